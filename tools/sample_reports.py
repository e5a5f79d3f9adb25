"""The text of the sample's other PDF documents, for make_sample_pdfs.py: a data sheet and an audit."""

from tools.sample_contracts import Block

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
