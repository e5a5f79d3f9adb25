"""Write the PDF documents of the sample corpus.

    pip install reportlab
    python tools/make_sample_pdfs.py

The PDFs are committed next to the other sample documents, so reportlab is not
needed to run the project. The output is the same byte for byte on every run
with the same version of reportlab.
"""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

DOCUMENTS = Path(__file__).resolve().parent.parent / "graphrag" / "sample" / "documents"

TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=18, leading=22, spaceAfter=8)
HEAD = ParagraphStyle(
    "head",
    fontName="Helvetica-Bold",
    fontSize=12.5,
    leading=16,
    spaceBefore=10,
    spaceAfter=4,
    keepWithNext=1,
)
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=14.5, spaceAfter=6)
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=9.5, leading=12)
CELL_HEAD = ParagraphStyle("cellhead", parent=CELL, fontName="Helvetica-Bold")

# A block is ("h", heading), ("p", paragraph) or ("t", [header row, row, ...]).
Block = tuple[str, object]

SA_118: list[Block] = [
    (
        "p",
        "between <b>Tarnholm Sensing B.V.</b>, Utrecht (the Buyer), and <b>Halvorix Components "
        "s.r.o.</b>, Pardubice (the Supplier). Signed on 14 June 2021. Contract owner at the "
        "Buyer: Pieter Brouwer.",
    ),
    ("h", "1. Subject"),
    (
        "p",
        "The Supplier makes and delivers the electronic and mechanical components listed in "
        "Schedule A to the Buyer's works in Brno. The Buyer orders against a rolling forecast. "
        "The general conditions of purchase of the Buyer apply where this agreement is silent; "
        "the general conditions of sale of the Supplier do not apply.",
    ),
    ("h", "2. Forecast and orders"),
    (
        "p",
        "On the first working day of each month the Buyer sends a forecast for six months. The "
        "first two months are binding in quantity, the next two may change by 25 % in either "
        "direction, and the last two are for information only. Orders are confirmed within two "
        "working days. An order that has not been answered after four working days counts as "
        "accepted.",
    ),
    ("h", "3. Delivery"),
    (
        "p",
        "Deliveries are free to the Buyer's works, packed in antistatic trays, and labelled with "
        "the order number, the part number and the date code. Parts with date codes older than "
        "eighteen months are refused. For each full week of delay the price of the late quantity "
        "is reduced by 1.5 %, up to a limit of 9 %.",
    ),
    ("h", "4. Quality"),
    (
        "p",
        "The Supplier tests every power module under full load for two hours. Connectors and "
        "housings are tested by sampling. The Supplier announces changes of material, process or "
        "place of production at least six months in advance, and the Buyer may ask for samples. "
        "Returned parts are analysed, and a first report is due after three working days, a full "
        "report after fifteen.",
    ),
    ("h", "5. Prices"),
    (
        "p",
        "Prices are those of Schedule A and are reviewed each January. If the published index for "
        "electronic components changes by more than 6 % within a year, either party may ask for "
        "a review at another time. Tooling for the gateway housing was paid by the Buyer and "
        "remains the Buyer's property.",
    ),
    ("h", "6. Payment"),
    ("p", "Invoices are paid within 45 days, or within 14 days with a discount of 2 %."),
    ("h", "7. Warranty"),
    (
        "p",
        "The period of warranty is stated for each part in Schedule A and begins with the "
        "delivery to Brno. During this period the Supplier replaces faulty parts and pays for "
        "transport. Damage from use outside the published limits is not covered. If more than "
        "3 % of a batch fails for the same reason within the period, the whole batch counts as "
        "faulty.",
    ),
    ("h", "8. Liability"),
    (
        "p",
        "The Supplier is insured against product liability for at least EUR 5 million for each "
        "event. Liability for loss of profit of the Buyer's customers is excluded except in "
        "cases of gross negligence.",
    ),
    ("h", "9. Last purchase"),
    (
        "p",
        "When a part is discontinued the Buyer may place a last order of up to four times the "
        "quantity bought in the year before. The Supplier keeps production documents for ten "
        "years and hands them over if it leaves the business.",
    ),
    ("h", "10. Term and notice"),
    (
        "p",
        "The agreement began on 1 July 2021 and has no fixed end. The notice period is nine "
        "months to the end of a quarter. Insolvency of either party ends the agreement at once. "
        "Orders that have been confirmed are carried out in any case.",
    ),
    ("h", "11. Confidentiality"),
    ("p", "Drawings, test programs and forecasts are confidential during the term and for five years afterwards."),
    ("h", "12. Law"),
    ("p", "Dutch law applies. Disputes go to mediation in Brno first and then to the court in Utrecht."),
    ("h", "Schedule A (state of January 2025): parts, prices and warranty"),
    (
        "t",
        [
            ["Part", "Description", "Price each", "Smallest order", "Warranty"],
            ["PMX-24", "Power module, 24 V input", "EUR 17.80", "250", "24 months"],
            ["PMX-48", "Power module, 48 V input", "EUR 21.40", "250", "30 months"],
            ["PMX-230", "Power module, mains input", "EUR 33.10", "100", "36 months"],
            ["CNX-12", "Round connector, 12 pins", "EUR 4.65", "1,000", "18 months"],
            ["HSG-40", "Gateway housing with seal", "EUR 28.90", "200", "60 months"],
            ["ANT-868", "Antenna, 868 MHz", "EUR 6.20", "500", "12 months"],
        ],
    ),
    ("h", "Schedule B: persons to contact"),
    (
        "t",
        [
            ["Subject", "Buyer", "Supplier"],
            ["Orders and forecast", "Rosa Timmerhuis", "Lenka Pospichalova"],
            ["Quality", "Henrik Solvang", "Ondrej Vavra"],
            ["Contract and prices", "Pieter Brouwer", "Milos Kratochvil"],
        ],
    ),
    ("p", "Both parties name a new person within ten working days if somebody on this list leaves."),
]

SA_124: list[Block] = [
    (
        "p",
        "between <b>Tarnholm Sensing B.V.</b>, Utrecht (the Customer), and <b>Lockmere Systems "
        "Ltd</b>, Cork (the Vendor). Signed on 22 January 2024. Contract owner at the Customer: "
        "Pieter Brouwer. Technical owner: Leonie Achterberg.",
    ),
    ("h", "1. Subject"),
    (
        "p",
        "The Vendor supplies and supports the appliances of Schedule A in the two machine rooms "
        "of the Customer: four Hedgerow firewalls, two Stonewicket hardware security modules "
        "(Stonewicket HSM) and one log collector. Consumables and cabling are not included.",
    ),
    ("h", "2. Support hours and response"),
    (
        "p",
        "Faults are reported by telephone. Reports by mail are treated as questions. A fault is "
        "critical if a service of the Customer stands still. The table shows the longest time "
        "from a report of a critical fault.",
    ),
    (
        "t",
        [
            ["Appliance", "Hours", "Engineer on the telephone", "Engineer on site"],
            ["Hedgerow firewall", "around the clock", "30 minutes", "6 hours"],
            ["Stonewicket HSM", "around the clock", "75 minutes", "next working day"],
            ["Log collector", "08:00 to 18:00, working days", "4 hours", "3 working days"],
        ],
    ),
    (
        "p",
        "If the Vendor is late, the support fee of the month for that appliance is waived. If it "
        "is late three times in a year, the Customer may end the agreement with a notice of one "
        "month.",
    ),
    ("h", "3. Spare units"),
    (
        "p",
        "The Vendor keeps one firewall of the same model in its store in Cork. Security modules "
        "are not kept in stock by the Vendor, because each is made ready for one customer; the "
        "Customer therefore buys its own second unit.",
    ),
    ("h", "4. Firmware"),
    (
        "p",
        "The Vendor informs the Customer of weaknesses within two days of learning of them and "
        "delivers repaired firmware without charge. The Customer installs it within the times of "
        "its own policy. The Vendor recommends a planned restart of every appliance at least "
        "once in 400 days.",
    ),
    ("h", "5. Remote sessions"),
    (
        "p",
        "The Vendor has no permanent access. A session is opened by the Customer for one fault "
        "and is recorded. Recordings are kept for one year.",
    ),
    ("h", "6. Fees"),
    (
        "t",
        [
            ["Appliance", "Number", "Purchase, each", "Support, each and year"],
            ["Hedgerow firewall", "4", "EUR 7,900", "EUR 1,150"],
            ["Stonewicket HSM", "2", "EUR 19,600", "EUR 2,940"],
            ["Log collector", "1", "EUR 5,300", "EUR 610"],
        ],
    ),
    ("p", "Support fees are invoiced in January for the whole year and rise by at most 3 % a year."),
    ("h", "7. Return and erasure"),
    (
        "p",
        "Faulty security modules are not returned. They are opened and destroyed in the presence "
        "of two persons, and the Vendor accepts a photograph of the destroyed circuit as proof "
        "for an exchange under warranty.",
    ),
    ("h", "8. Term and notice"),
    (
        "p",
        "The agreement runs until 31 January 2028. After that it continues without a fixed end. "
        "The notice period is six months to the end of a month.",
    ),
    ("h", "9. Liability"),
    (
        "p",
        "The Vendor is liable up to twice the yearly support fees. This limit does not apply if "
        "keys of the Customer become known through the fault of the Vendor.",
    ),
    ("h", "10. Law"),
    ("p", "Irish law applies. The place of jurisdiction is Cork."),
]

DRUMLIN: list[Block] = [
    (
        "p",
        "The Drumlin VX-4 is a wireless vibration sensor for rotating machines. It measures "
        "vibration on three axes and the temperature of the housing, works out spectra inside the "
        "sensor, and sends them to a Fenwick gateway. It is the successor of the Drumlin VX-2, "
        "which remains available for existing installations until the end of 2026.",
    ),
    ("h", "Uses"),
    (
        "p",
        "Pumps, fans, gearboxes, compressors, conveyor drives, cranes and refrigeration units. "
        "Not for machines that turn slower than 60 revolutions a minute, and not for explosive "
        "atmospheres.",
    ),
    ("h", "Measuring"),
    (
        "t",
        [
            ["Property", "Drumlin VX-4", "Drumlin VX-2"],
            ["Axes", "3", "1"],
            ["Range", "50 g", "16 g"],
            ["Frequency range", "2 Hz to 12 kHz", "5 Hz to 6 kHz"],
            ["Spectrum lines", "6,400", "800"],
            ["Noise", "35 micro-g per root Hz", "110 micro-g per root Hz"],
            ["Shortest interval", "1 minute", "10 minutes"],
        ],
    ),
    ("h", "Limits"),
    (
        "t",
        [
            ["Property", "Drumlin VX-4", "Drumlin VX-2"],
            ["Surface temperature, mounted directly", "118 °C", "92 °C"],
            ["Surface temperature, with standoff SO-30", "155 °C", "not available"],
            ["Ambient temperature", "-40 to 80 °C", "-30 to 70 °C"],
            ["Storage temperature", "-40 to 60 °C", "-40 to 60 °C"],
            ["Shock", "5,000 g", "2,000 g"],
            ["Protection", "IP68, IP69", "IP67"],
        ],
    ),
    (
        "p",
        "Above the surface limit the sensor protects its battery: it stops sending, keeps its "
        "clock, and resumes when it has cooled down by 10 K. Time spent above the limit is "
        "counted and shown in the portal. After 200 hours above the limit the warranty ends.",
    ),
    ("h", "Battery"),
    (
        "t",
        [
            ["Interval", "Battery life at 25 °C", "Battery life at 80 °C"],
            ["1 minute", "2.1 years", "1.2 years"],
            ["10 minutes", "6.4 years", "3.9 years"],
            ["1 hour", "8.0 years", "5.1 years"],
        ],
    ),
    ("p", "The battery is cast in and cannot be exchanged. Worn-out sensors are taken back free of charge."),
    ("h", "Radio"),
    (
        "p",
        "868 MHz, 25 mW. The range in a machine hall is typically 60 metres, in the open 700 "
        "metres. Messages are encrypted and numbered. If the gateway cannot be reached, the "
        "sensor keeps readings of six days.",
    ),
    ("h", "Mechanics"),
    (
        "t",
        [
            ["Property", "Value"],
            ["Height and diameter", "62 mm, 34 mm"],
            ["Weight", "148 g"],
            ["Housing", "stainless steel and PEEK cap"],
            ["Thread", "M6, depth 9 mm"],
            ["Mounting torque", "6 Nm"],
        ],
    ),
    ("h", "Mounting"),
    (
        "p",
        "Best results are obtained with the thread in solid metal close to the bearing. The "
        "surface must be flat within 0.05 mm over the diameter of the sensor. Approved epoxy can "
        "be used instead of a thread up to 80 °C. Magnets are for trials only, since they halve "
        "the upper frequency. On hot machines use the standoff SO-30, which is a thin-walled "
        "sleeve of titanium; it lowers the upper frequency to 7 kHz.",
    ),
    ("h", "Order codes"),
    (
        "t",
        [
            ["Code", "Description"],
            ["VX-4-S", "Sensor with steel base"],
            ["VX-4-A", "Sensor with acid-proof base"],
            ["SO-30", "Standoff, 30 mm"],
            ["CL-60", "Clamp for pipes under 60 mm"],
        ],
    ),
    ("h", "Marks and approvals"),
    (
        "p",
        "CE, UKCA. Tested according to the usual standards for vibration, salt spray and radio. "
        "The declarations of conformity are available in the portal.",
    ),
    ("p", "Document DS-0417, revision E, 5 February 2025. Subject to change."),
]

AUDIT: list[Block] = [
    (
        "p",
        "Report QA-2025-07. Audit carried out from 19 to 23 May 2025. Lead auditor: Henrik "
        "Solvang. Second auditor: Oddny Fjellheim, independent. Report issued on 6 June 2025.",
    ),
    ("h", "1. Purpose and scope"),
    (
        "p",
        "The audit looked at how the Brno works make sure that measuring equipment used for the "
        "release of products measures correctly. It covered the vibration benches, the "
        "temperature benches, the flow stand, the climate room and the reference instruments "
        "kept in the metrology cupboard. The laboratory in Aarhus was not part of the audit.",
    ),
    ("h", "2. Method"),
    (
        "p",
        "The auditors drew a sample of forty instruments from the register of 162, compared the "
        "labels with the certificates, watched nine calibrations, and interviewed eleven "
        "employees on both shifts. The daily comparisons of the benches from January to April "
        "were recalculated from the raw data.",
    ),
    ("h", "3. Overall result"),
    (
        "p",
        "The works control their measuring equipment well. The daily comparisons do what they "
        "are meant to do: two benches that began to drift were found within three days, long "
        "before products would have been affected. One finding is rated major, three are rated "
        "minor, and two are remarks.",
    ),
    (
        "t",
        [
            ["Finding", "Subject", "Rating"],
            ["F-1", "Reference accelerometer past its due date", "major"],
            ["F-2", "Humidity record of the climate room has a gap", "minor"],
            ["F-3", "Label of a dry block cannot be read", "minor"],
            ["F-4", "Flow stand started without warm-up", "minor"],
            ["F-5", "Handwritten correction in a test record", "remark"],
            ["F-6", "Cupboard key kept in an open drawer", "remark"],
        ],
    ),
    ("h", "4. Findings in detail"),
    ("h", "F-1 Reference accelerometer past its due date (major)"),
    (
        "p",
        "Two reference accelerometers are kept in the metrology cupboard. RA-61 was in order, "
        "with a valid certificate and an undamaged case. RA-88 was used on 23 days after its "
        "calibration had expired; on the day of the audit it was 41 days past its due date. The "
        "reminder had gone to a shared mailbox that nobody has read since the reorganisation in "
        "January. Solvang compared it with RA-61 on the spot and found a deviation of 0.3 %, "
        "which is inside the tolerance. Products released with the overdue instrument therefore "
        "need not be called back. The instrument was taken out of use and is to be recalibrated "
        "by the external laboratory without delay.",
    ),
    ("h", "F-2 Humidity record of the climate room has a gap (minor)"),
    (
        "p",
        "The recorder of chamber KC-12 wrote no humidity values from 3 to 5 March. Temperature "
        "values are complete. The cause was a full memory card. Tests in this period did not "
        "depend on humidity.",
    ),
    ("h", "F-3 Label of a dry block cannot be read (minor)"),
    (
        "p",
        "The label of TB-5 has been wiped off by solvent. The certificate was found by means of "
        "the engraved number. Engraving is recommended for all instruments that are cleaned with "
        "solvent.",
    ),
    ("h", "F-4 Flow stand started without warm-up (minor)"),
    (
        "p",
        "On the late shift of 20 May the flow stand was used after eight minutes. The instruction "
        "asks for thirty. The operator had not been told. Nine sensors were measured again and "
        "passed.",
    ),
    ("h", "F-5 Handwritten correction in a test record (remark)"),
    ("p", "A value was struck out and replaced without date and initials."),
    ("h", "F-6 Cupboard key kept in an open drawer (remark)"),
    ("p", "The key of the metrology cupboard should be in the key box of the shift lead."),
    ("h", "5. What the auditors liked"),
    (
        "p",
        "Operators on both shifts could explain why the sealed reference piece is measured before "
        "the first product and not after it. The wall chart with the drift of each bench is "
        "clear and up to date. Jana Mlynkova has prepared a small collection of faulty parts "
        "that is used to train newcomers.",
    ),
    ("h", "6. Corrective actions"),
    (
        "t",
        [
            ["Finding", "Action", "Responsible", "Due"],
            ["F-1", "Recalibrate; send reminders to two named persons", "Henrik Solvang", "20 June 2025"],
            ["F-2", "Replace the recorder", "Jana Mlynkova", "31 July 2025"],
            ["F-3", "Engrave numbers", "Jana Mlynkova", "30 June 2025"],
            ["F-4", "Interlock with a timer", "Viktor Hanzal", "30 September 2025"],
            ["F-5", "Short briefing of both shifts", "Milena Kocourek", "13 June 2025"],
            ["F-6", "Key box", "Radim Sojka", "done"],
        ],
    ),
    ("h", "7. Opinion on the independence of the audit"),
    (
        "p",
        "The lead auditor is responsible for some of the processes audited. To balance this, the "
        "second auditor chose the sample and rated the findings. Fjellheim states that she was "
        "given access to everything she asked for, and that the rating of F-1 as major was her "
        "decision. Solvang agreed with it.",
    ),
    ("h", "8. Next audit"),
    (
        "p",
        "May 2026, with the laboratory in Aarhus included. A short visit on F-1 and F-4 will take "
        "place in November 2025.",
    ),
    ("h", "Annex: sample of instruments"),
    (
        "t",
        [
            ["Group", "In the register", "In the sample", "With a finding"],
            ["Reference instruments", "14", "8", "2"],
            ["Vibration benches", "22", "9", "0"],
            ["Temperature benches", "31", "8", "0"],
            ["Flow stand", "3", "2", "1"],
            ["Climate room", "6", "3", "1"],
            ["Hand tools", "86", "10", "0"],
            ["Total", "162", "40", "4"],
        ],
    ),
]

PDFS = [
    (
        "contracts/sa-118-halvorix-components.pdf",
        "Supply agreement SA-118",
        "Supply agreement SA-118, Halvorix Components",
        "Pieter Brouwer",
        SA_118,
    ),
    (
        "contracts/sa-124-lockmere-systems.pdf",
        "Supply and support agreement SA-124",
        "Supply and support agreement SA-124, Lockmere Systems",
        "Pieter Brouwer",
        SA_124,
    ),
    (
        "products/drumlin-vx-4-data-sheet.pdf",
        "Drumlin VX-4 vibration sensor",
        "Data sheet: Drumlin VX-4 vibration sensor",
        "Dagny Rasmussen",
        DRUMLIN,
    ),
    (
        "quality/calibration-audit-2025.pdf",
        "Calibration audit 2025, Brno",
        "Calibration audit 2025, Brno",
        "Henrik Solvang",
        AUDIT,
    ),
]


def table(rows: list[list[str]], width: float) -> Table:
    cells = [[Paragraph(text, CELL_HEAD if number == 0 else CELL) for text in row] for number, row in enumerate(rows)]
    made = Table(cells, colWidths=[width / len(rows[0])] * len(rows[0]), repeatRows=1)
    made.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return made


def write(path: Path, short: str, title: str, author: str, blocks: list[Block]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        title=title,
        author=author,
        subject="Tarnholm Sensing B.V.",
        leftMargin=24 * mm,
        rightMargin=24 * mm,
        topMargin=26 * mm,
        bottomMargin=24 * mm,
        invariant=1,
    )

    def frame(canvas, doc) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(24 * mm, A4[1] - 14 * mm, f"Tarnholm Sensing B.V. - {short}")
        canvas.drawRightString(A4[0] - 24 * mm, 12 * mm, f"Page {doc.page}")

    story: list[object] = [Paragraph(title, TITLE)]
    for kind, content in blocks:
        if kind == "h":
            story.append(Paragraph(str(content), HEAD))
        elif kind == "p":
            story.append(Paragraph(str(content), BODY))
        else:
            story.append(table(content, document.width))
            story.append(Spacer(1, 8))
    document.build(story, onFirstPage=frame, onLaterPages=frame)


def main() -> None:
    for name, short, title, author, blocks in PDFS:
        write(DOCUMENTS / name, short, title, author, blocks)
        print(name)


if __name__ == "__main__":
    main()
