"""`normalize_country`: a column of countries, by name or by code.

Most names come from the installed `phonenumbers`, which has them in many languages; the others, and the codes of three
letters, stand here.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import unicodedata
from typing import Final

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text, each_once
from mbtoolkit.schemas.texts import stripped

COUNTRY: Final = pl.Struct({"country": pl.String, "issue": pl.String})
_LANGUAGES: Final = ("en", "nb", "nn", "sv", "da", "de", "es", "fr", "it", "nl", "pt", "fi", "pl")
_ODD_LETTERS: Final = str.maketrans({"æ": "ae", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ð": "d", "þ": "th"})
_NOT_WHOLE: Final = frozenset({"AN", "CS", "XK"})
"""Codes in that list that ISO 3166-1 doesn't have any more, or yet."""
_MOST_GUESSES: Final = 500
"""Distinct unknown texts for which the nearest name is looked for; it takes a millisecond each."""

_OTHER_NAMES: Final = {
    "GB": """uk, united kingdom of great britain and northern ireland, great britain, britain, england, scotland, wales,
        northern ireland, storbritannia, det forente kongerike, skottland, nord irland, storbritannien, grossbritannien,
        gran bretana, inglaterra, grande bretagne, angleterre, escocia, ecosse, schottland""",
    "US": """usa, us of america, u s a, united states of america, america, de forente stater, amerikas forente stater,
        forente stater, forenta staterna, amerikas forenta stater, de forenede stater, vereinigte staaten,
        estados unidos, ee uu, eeuu, estados unidos de america, etats unis, etats unis d amerique, amrika""",
    "DE": "tyskland, federal republic of germany, bundesrepublik deutschland, brd, jarmani",
    "NO": "noreg, kingdom of norway",
    "SE": "kingdom of sweden, sverge",
    "DK": "kingdom of denmark",
    "NL": """the netherlands, nederland, nederlandene, nederlanderna, holland, die niederlande, hollande, holanda,
        pays bas""",
    "IN": "bharat, hindustan, republic of india, indien, inde",
    "FR": "frankrike, frankrig, republique francaise, fransi",
    "ES": "spania, spanien, espana",
    "IT": "italia, italien, italie",
    "CH": "sveits, schweiz, suisse, svizzera, suiza, swiss, switzerland",
    "AT": "osterrike, ostrig, osterreich, autriche, oesterreich",
    "BE": "belgia, belgien, belgie, belgique, belgica",
    "FI": "finnland, finlande, suomi, finlandia",
    "IS": "island, islande, islandia",
    "IE": "irland, irlande, irlanda, eire, republic of ireland",
    "PL": "polen, pologne, polonia, polska",
    "PT": "portugal",
    "GR": "hellas, graekenland, grekland, griechenland, grece, grecia",
    "CZ": "czechia, tsjekkia, tjeckien, tjekkiet, tschechien, chequia, tchequie, czech republic",
    "SK": "slovakia, slovakiet, slowakei",
    "HU": "ungarn, ungern, hongrie, hungria",
    "RO": "romania, rumania, rumanien, roumanie",
    "HR": "kroatia, kroatien, croatie, croacia",
    "EE": "estland, estonie",
    "LV": "latvia, lettland, lettonie, letonia",
    "LT": "litauen, lituanie, lituania",
    "UA": "ukraina, ukraine, ucrania",
    "RU": "russland, ryssland, rusland, russie, rusia, russia, russian federation",
    "TR": "tyrkia, turkiet, tyrkiet, turkei, turquie, turquia, turkiye",
    "CN": "kina, china, chine, people s republic of china, prc, chin",
    "JP": "japan, japon, jaapan",
    "KR": "south korea, sor korea, sydkorea, sudkorea, corea del sur, coree du sud, republic of korea",
    "KP": "north korea, nord korea, nordkorea, corea del norte, coree du nord",
    "VN": "vietnam, viet nam",
    "BR": "brasil, brasilien, bresil",
    "MX": "mexico, mexiko, mexique",
    "ZA": "sor afrika, sydafrika, sudafrika, sudafrica, afrique du sud",
    "EG": "egypt, egypten, agypten, egipto, egypte",
    "MA": "marokko, maroc, marruecos",
    "AE": "uae, emirates, emiratene, de forente arabiske emirater, united arab emirates",
    "CI": "ivory coast, elfenbenskysten, elfenbenskusten, elfenbeinkuste",
    "CD": "dr congo, drc, congo kinshasa, democratic republic of the congo",
    "CG": "congo brazzaville, republic of the congo",
    "MM": "burma, myanmar",
    "MK": "north macedonia, nord makedonia, nordmazedonien",
    "SZ": "swaziland, eswatini",
    "CV": "cape verde, cabo verde",
    "TL": "east timor, timor leste",
    "PK": "pakistan",
    "BD": "bangladesh, bangla desh",
    "NP": "nepal",
    "LK": "sri lanka, shri lanka",
    "AU": "australia, australien, australie",
    "NZ": "new zealand, ny zealand, nya zeeland, neuseeland, nueva zelanda, nouvelle zelande",
    "CA": "canada, kanada",
    "IR": "iran",
    "SY": "syria, syrien, syrie, siria",
    "VA": "vatican, vatikanet, vatikanstaten, vatikan",
    "XK": "kosovo",
}
_AMBIGUOUS: Final = {
    "congo": "CD or CG",
    "kongo": "CD or CG",
    "korea": "KR or KP",
    "corea": "KR or KP",
    "coree": "KR or KP",
}
_THREE_LETTERS: Final = """
    ABW:AW AFG:AF AGO:AO AIA:AI ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ASM:AS ATA:AQ ATF:TF ATG:AG AUS:AU AUT:AT
    AZE:AZ BDI:BI BEL:BE BEN:BJ BES:BQ BFA:BF BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLM:BL BLR:BY BLZ:BZ BMU:BM BOL:BO
    BRA:BR BRB:BB BRN:BN BTN:BT BVT:BV BWA:BW CAF:CF CAN:CA CCK:CC CHE:CH CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG
    COK:CK COL:CO COM:KM CPV:CV CRI:CR CUB:CU CUW:CW CXR:CX CYM:KY CYP:CY CZE:CZ DEU:DE DJI:DJ DMA:DM DNK:DK DOM:DO
    DZA:DZ ECU:EC EGY:EG ERI:ER ESH:EH ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FLK:FK FRA:FR FRO:FO FSM:FM GAB:GA GBR:GB
    GEO:GE GGY:GG GHA:GH GIB:GI GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT GUF:GF GUM:GU GUY:GY
    HKG:HK HMD:HM HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IMN:IM IND:IN IOT:IO IRL:IE IRN:IR IRQ:IQ ISL:IS ISR:IL ITA:IT
    JAM:JM JEY:JE JOR:JO JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY
    LCA:LC LIE:LI LKA:LK LSO:LS LTU:LT LUX:LU LVA:LV MAC:MO MAF:MF MAR:MA MCO:MC MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH
    MKD:MK MLI:ML MLT:MT MMR:MM MNE:ME MNG:MN MNP:MP MOZ:MZ MRT:MR MSR:MS MTQ:MQ MUS:MU MWI:MW MYS:MY MYT:YT NAM:NA
    NCL:NC NER:NE NFK:NF NGA:NG NIC:NI NIU:NU NLD:NL NOR:NO NPL:NP NRU:NR NZL:NZ OMN:OM PAK:PK PAN:PA PCN:PN PER:PE
    PHL:PH PLW:PW PNG:PG POL:PL PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS PYF:PF QAT:QA REU:RE ROU:RO RUS:RU RWA:RW SAU:SA
    SDN:SD SEN:SN SGP:SG SGS:GS SHN:SH SJM:SJ SLB:SB SLE:SL SLV:SV SMR:SM SOM:SO SPM:PM SRB:RS SSD:SS STP:ST SUR:SR
    SVK:SK SVN:SI SWE:SE SWZ:SZ SXM:SX SYC:SC SYR:SY TCA:TC TCD:TD TGO:TG THA:TH TJK:TJ TKL:TK TKM:TM TLS:TL TON:TO
    TTO:TT TUN:TN TUR:TR TUV:TV TWN:TW TZA:TZ UGA:UG UKR:UA UMI:UM URY:UY USA:US UZB:UZ VAT:VA VCT:VC VEN:VE VGB:VG
    VIR:VI VNM:VN VUT:VU WLF:WF WSM:WS YEM:YE ZAF:ZA ZMB:ZM ZWE:ZW
"""
"""Each code of three letters and of two (ISO 3166-1)."""


def normalize_country(column: Column) -> Column:
    """The ISO 3166-1 alpha-2 code of the country in each cell.

    Names are known in English, Norwegian, Swedish, Danish, German, Spanish and French, some in Hindi in Latin letters,
    and codes of two and three letters; case, accents and points don't matter.

    Args:
        column: countries, as text.

    Returns:
        Under the same name and of the same height: `country` (String), `issue` (String, with the nearest name if there
        is one). Null where the cell is null or blank.

    Raises:
        UsageError: the column has no text form.

    Example:
        >>> normalize_country(pl.Series(["Norge", "U.K.", "DEU", "Atlantis"])).struct.field("country").to_list()
        ['NO', 'GB', 'DE', None]
    """
    return answered(column, _countries, COUNTRY)


def _countries(column: pl.Series) -> pl.Series:
    text = pl.col("text")
    found = as_text(column).alias("text").to_frame().select(stripped(text))
    names = names_of_countries()
    read = found.with_columns(
        each_once(found["text"], lambda each: names.get(_folded(each)), pl.String).alias("country")
    )
    unknown = read.filter(pl.col("country").is_null())["text"].drop_nulls().unique()
    guessed = {each: _issue(each) for each in unknown.sort().head(_MOST_GUESSES)}
    said = text.replace_strict(guessed, default=f"country_unknown: {_UNKNOWN}", return_dtype=pl.String)
    issue = pl.when(pl.col("country").is_null()).then(said).alias("issue")
    return read.select(pl.when(text.is_not_null()).then(pl.struct("country", issue))).to_series()


_UNKNOWN: Final = "is no country that is known by that name; write its code of two letters, as NO, SE or GB"


def _issue(text: str) -> str:
    """What to say of a text that is no country."""
    folded = _folded(text)
    if folded in _AMBIGUOUS:
        return f"country_ambiguous: is the name of two countries; write {_AMBIGUOUS[folded]}"
    near = difflib.get_close_matches(folded, [name for name in names_of_countries() if len(name) > 3], n=1, cutoff=0.8)
    guess = f"; is it {near[0].title()} ({names_of_countries()[near[0]]})?" if near else ""
    return f"country_unknown: {_UNKNOWN}{guess}"


@functools.cache
def names_of_countries() -> dict[str, str]:
    """Names and codes, folded, and the code of two letters of each; names of several countries are left out."""
    # Half a second to import, so only when a country is asked for.
    data: dict[str, dict[str, str]] = importlib.import_module("phonenumbers.geodata.locale").LOCALE_DATA
    owners: dict[str, set[str]] = {}
    for code, names in data.items():
        for language in _LANGUAGES if code not in _NOT_WHOLE else ():
            name = names.get(language, "")
            # A star in front names the language whose word is the same.
            owners.setdefault(_folded(names[name[1:]] if name.startswith("*") else name), set()).add(code)
    known = {name: min(codes) for name, codes in owners.items() if len(codes) == 1 and name}
    for code, others in _OTHER_NAMES.items():
        known |= {_folded(name): code for name in others.split(",")}
    for pair in _THREE_LETTERS.split():
        three, two = pair.split(":")
        known |= {three.lower(): two, two.lower(): two}
    return {name: code for name, code in known.items() if name not in _AMBIGUOUS} | {"uk": "GB", "xk": "XK"}


def _folded(text: str) -> str:
    """The name without case, accents and marks."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_ODD_LETTERS))
    kept = "".join(
        char if char.isalnum() else "" if unicodedata.combining(char) or char == "." else " " for char in plain
    )
    return " ".join(kept.replace("&", " ").split())
