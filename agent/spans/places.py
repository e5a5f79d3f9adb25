"""Countries, states and continents by normalised name: all that "which country" can mean, whatever the recogniser takes a name for."""

COUNTRIES = frozenset(
    """
    afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh
    barbados belarus belgium belize benin bhutan bolivia botswana brazil brunei bulgaria burundi cambodia cameroon canada
    chad chile china colombia croatia cuba cyprus denmark djibouti dominica ecuador egypt england eritrea estonia eswatini
    ethiopia fiji finland france gabon gambia germany ghana greece grenada guatemala guinea guyana haiti honduras hungary
    iceland india indonesia iran iraq ireland israel italy jamaica japan jordan kazakhstan kenya kosovo kuwait kyrgyzstan
    laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg madagascar malawi malaysia maldives mali
    malta mauritania mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar namibia nepal
    netherlands nicaragua niger nigeria norway oman pakistan palau panama paraguay peru philippines poland portugal qatar
    romania russia rwanda samoa scotland senegal serbia seychelles singapore slovakia slovenia somalia spain sudan suriname
    swaziland sweden switzerland syria taiwan tajikistan tanzania thailand togo tonga tunisia turkey turkmenistan tuvalu
    uganda ukraine uruguay us usa uk uzbekistan vanuatu venezuela vietnam wales yemen yugoslavia zambia zimbabwe
    """.split()
) | frozenset(
    (
        "united states,united states of america,u s,united kingdom,south africa,new zealand,saudi arabia,sri lanka,"
        "south korea,north korea,costa rica,el salvador,soviet union,czech republic,dominican republic,ivory coast,"
        "burkina faso,sierra leone,papua new guinea,united arab emirates,trinidad and tobago,bosnia and herzegovina,"
        "northern ireland"
    ).split(",")
)
STATES = frozenset(
    """
    alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois indiana
    iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska
    nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming
    bavaria gujarat hesse karnataka kerala maharashtra punjab queensland rajasthan saxony tasmania victoria
    """.split()
) | frozenset(
    (
        "new hampshire,new jersey,new mexico,new york,north carolina,north dakota,rhode island,south carolina,"
        "south dakota,west virginia,new south wales,south australia,western australia,tamil nadu,uttar pradesh"
    ).split(",")
)
CONTINENTS = frozenset(("africa", "antarctica", "asia", "europe", "north america", "oceania", "south america"))

CLASSES = {"countri": COUNTRIES, "state": STATES, "contin": CONTINENTS}
"""By the term of the noun."""
