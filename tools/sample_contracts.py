"""The text of the sample's PDF documents that are contracts, for make_sample_pdfs.py."""

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
