"""What the name of a column says, in the languages of the CRM's users, as ideas such as `mobile` and `number`.

English, Norwegian, Swedish, Danish, German, Spanish, French, and Hindi in Latin letters. Names are read without case
and accents; snake case, camel case and compounds (`Kundenmobilnummer`) come apart into words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

_SAID: Final[dict[str, str]] = {
    "email": """email emails emailid mail mails mailid epost mejl mel courriel courriels correo correos
        correoelectronico electronicmail elektroniskpost""",
    "email address": "adresseelectronique direccionelectronica",
    "phone": """phone phones telephone telephonic telefon telefonen telefoner telefone telefono telefonos tel tlf
        tfn fon fone fono durbhash doorbhash ring""",
    "phone number": "rufnummer rufnr telefonnummer telefonnumre telefonnr",
    "mobile": """mobile mobiles mobil mobilen mobilt mob cell cellular celular movil handy natel gsm portable
        smartphone mobilfunk mobail""",
    "mobile number": "mobilnummer mobilnr handynummer",
    "whatsapp": "whatsapp",
    "sms": """sms smses textmessage textmessages textmelding tekstmelding tekstbesked textmeddelande textnachricht
        mensajedetexto mensajesdetexto""",
    "number": "number numbers num no nos nr nbr nummer numret numero numeros numer sankhya nambar",
    "code": "code codes kode kod koden codigo",
    "country": "country countries land lande lands landet lander laender pays pais desh nation",
    "calling": """calling dialing dialling dial vorwahl landesvorwahl landervorwahl laendervorwahl indicatif
        prefijo prefix prefiks landsnummer isd""",
    "contact": "contact contacts kontakt kontakten kontakter kontakts contacto contactos sampark",
    "crm": "crm mainbrainer mb",
    "id": "id ids identifier ident identifikator guid uuid kennung identifiant identificador pehchan",
    "list": "list lists liste lister listen lista listas suchi soochi",
    "consent": """consent consents consented optin optins optedin samtykke samtykker samtykket samtycke samtycker
        einwilligung einwilligungen eingewilligt zustimmung zugestimmt consentement consentements consentimiento
        consentimientos permission permissions tillatelse tilladelse tillatelser tillstand erlaubnis permiso
        permisos autorisation autorizacion sahmati sehmati anumati accept accepts accepted accepte accepterer
        accepterar acepta agree agrees agreed subscribe subscribed subscribes subscription subscriptions abonniert
        abonnement abonnert abonnerer abonnerar abonne suscrito suscripcion inscrit inscription pameldt tilmeldt
        angemeldet anmeldung prenumererar prenumeration gdpr subscriber subscribers ja yes oui si""",
    "newsletter": """newsletter newsletters enewsletter nyhetsbrev nyhetsbrevet nyhedsbrev nyhedsbreve boletin
        boletines infolettre lettredinformation rundbrief samacharpatrika samacharpatr""",
    "marketing": """marketing reklame reklam werbung publicite publicidad markedsforing markedsfoering
        marknadsforing promo promotion promotions promotional offers tilbud erbjudande erbjudanden angebote offres
        ofertas prachar vigyapan werbe""",
    "refusal": """optout optouts optedout unsubscribe unsubscribed unsubscribes donot dont dnc avmeldt afmeldt
        avanmald avregistrerad abgemeldet abbestellt abmeldung widerspruch widerrufen reservert reservasjon
        reserveret not ikke ikkje inte ej kein keine keinen nicht ohne ingen inga pas sans aucun sin ningun baja
        desinscrit desabonne desuscrito desinscription blocked blacklist blacklisted suppressed suppression
        gesperrt sperret sparrad nahi nahin nei nej nein non refuse refused refuses refus rechaza declined denied
        withdrawn revoked trukket tilbakekalt exclude excluded stop stopped never aldri aldrig nie jamais nunca""",
    "work": """work office business jobb arbeid arbeids arbejde arbejds arbeit arbeits arbete arbets dienst
        dienstlich geschaft geschaftlich geschaeftlich buro buero bureau travail professionnel professionnelle pro
        trabajo oficina laboral kontor kontoret karyalay karyalaya daftar dpt""",
    "home": "home hjem hjemme hem hemma casa domicile maison ghar zuhause",
    "landline": "landline fasttelefon fastnett fastnet festnetz fixe fijo fast switchboard sentralbord zentrale",
    "fax": "fax telefax telefaks faks",
    "second": """second secondary sekundar sekundaer alternative alternate alternativ alt other annen andre andra
        anden autre otro otra backup old gammel gammal ancien ancienne zweite dusra doosra extra duplicated
        billing shipping delivery rechnungs faktura facturation facturacion""",
    "somebody": """emergency notfall urgence emergencia spouse ektefelle husband wife partner parent parents
        foresatt foreldre forelder vormund tuteur tutor guardian child barn kind referrer referred referral agent
        seller selger saljare saelger verkaufer vendedor vendeur assistant manager rep owner eier supervisor
        sender avsender""",
    "about": """status verified valid validated bounce bounced sent opened open clicked clicks count type typ tipo
        category kategori kategorie source kilde kalla quelle fuente domain domene hash score updated created
        modified changed frequency preference preferences comment comments kommentar note notes notat anmerkung
        bemerkning remark order orders ordre bestilling bestallning bestellung bestell pedido commande invoice
        rechnung factura amount belop total sum price pris opens sends delivered received lastsent time tid zeit
        timestamp format version ip subject reply template username""",
    "date": "date dates dato datum fecha tarikh tithi",
    "day": "day dag tag jour dia",
    "address": "address addresses addr adr adresse adresser adress adressen direccion pata domicilio anschrift",
    "street": "street str gate gata gade gatuadress strasse rue calle vej veien vei road sadak",
    "name": "name names navn namn namen nom nombre naam",
    "first name": """firstname fname forename fornavn fornamn vorname vornamen prenom prenoms nombredepila
        tilltalsnamn primernombre pehlanaam""",
    "first": "first given forste forsta erste premier primer pehla",
    "last name": """lname surname familienavn familjenamn familienname nachname zuname etternavn efternavn
        efternamn apellido apellidos slektsnavn nomdefamille upnaam upnam kulnaam""",
    "last": "last family",
    "middle name": "mellomnavn mellannamn mellemnavn zweitname",
    "middle": "middle",
    "full": "full fullt fulle fulde complete complet completo vollstandiger pura poora hele",
    "city": """city town poststed postort ort stad wohnort stadt ville ciudad poblacion localidad localite commune
        shahar sheher shehar nagar bosted bostadsort""",
    "postal": "zip zipcode postal postcode postnummer postnr plz postleitzahl codepostal codigopostal cp pincode",
    "region": "region state county fylke bundesland provincia province departement rajya delstat kanton kommune kommun",
    "birth": """birth birthday birthdate dob bday fodselsdato fodselsdag fodsel fodelsedatum fodelsedag fodelse
        fodt foedselsdato foedselsdag foedt bursdag geburtsdatum geburtstag geburt geboren naissance nacimiento
        cumpleanos anniversaire janmdin janamdin janmtithi janamtithi janm janam geb""",
    "gender": "gender sex kjonn kon koen geschlecht sexe genero sexo ling",
    "language": "language lang sprak sprog sprache langue idioma bhasha locale",
    "company": """company firma firmen bedrift bedrifts selskap foretag virksomhed unternehmen unternehmens
        entreprise societe empresa organisation organization organisasjon organizacion kampani employer
        arbeidsgiver arbetsgivare arbejdsgiver arbeitgeber employeur""",
    "job": "job stilling stillings befattning yrke beruf position poste puesto cargo occupation profession role",
    "title": "title tittel titel titre titulo",
    "salutation": "salutation anrede civilite tiltale tiltal tratamiento",
    "web": "website web webside hjemmeside hemsida webseite homepage url nettside",
    "loyalty": "loyalty lojalitet loyalitet treue fidelite fidelidad medlem member membership mitglied miembro membre",
    "tier": "tier level niva niveau nivel stufe",
    "customer": """customer customers client clients clientes kunde kunden kund kunder kundes kundens cliente
        grahak user bruker person""",
    "secret": """personnummer personnr fodselsnummer fodselsnr fnr cpr ssn socialsecurity dni nif aadhaar aadhar
        adhaar sozialversicherungsnummer steuerid passport passnummer nationalid iban kontonummer bankaccount
        bankkonto cardnumber""",
    "filler": """a the of for my your our de la le les du des d l el los las del von der die das dem den til till
        pa mot fra av af fur fuer pour por para with med mit og och und and et y e n ka ki ke ko hai par mein liye
        mera aapka min mitt votre su ihr ihre deine primary main primar hoved huvud principal default preferred
        current personal personlig personlich personnel personnelle private privat privatperson privee prive
        privado privada field column kolonne spalte value text info information details want wants wanted would
        like receive receives mottar motta modtag modtager erhalten recibir recibe recevoir recoit via to get gets
        takk onsker onskar vill vil mochte moechte ich jeg jag je yo clean cleaned international optional required
        do you i""",
}
"""What is said, as ideas, and the words for it: each without case, accents and anything between its parts."""

_ALONE: Final[dict[str, str]] = {"by": "city", "sted": "city"}
"""Words that say something only where no other stands beside them."""

_WORDS: Final = {word: frozenset(ideas.split()) for ideas, words in _SAID.items() for word in words.split()}
_LETTERS: Final = str.maketrans({"ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ß": "ss", "ð": "d", "þ": "th", "ł": "l"})
_BETWEEN: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where camel case begins another word."""
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_LINKS: Final = ("", "s", "n", "e", "en", "er")
"""What stands between the parts of a compound."""
_SHORT_PARTS: Final = frozenset({"nr", "no", "id"})
_SHORTEST_PART: Final = 3
_MOST_PARTS: Final = 4
_LONGEST_ORDINAL: Final = 2
_SHORTEST_SLIP: Final = 5
_LONGEST_NAME: Final = 120
"""Characters that are read; what follows them says nothing more."""
_LONGEST_PHRASE: Final = 4
_YES: Final = frozenset({"yes", "ja", "si", "oui"})
_NO: Final = frozenset({"no", "nei", "nej", "nein", "non"})
_CONSENT: Final = frozenset({"consent", "newsletter", "marketing", "sms"})
_NEVER_GUESSED: Final = _CONSENT | {"refusal", "filler", "about", "somebody", "secret"}
"""Ideas that no near miss stands for: `content` is not `consent`."""

_BY_LENGTH: Final[dict[int, list[str]]] = defaultdict(list)
for _word, _ideas in _WORDS.items():
    if len(_word) >= _SHORTEST_SLIP and not _ideas & _NEVER_GUESSED:
        _BY_LENGTH[len(_word)].append(_word)


@dataclass(frozen=True, slots=True)
class Header:
    """What a column's name says.

    Attributes:
        ideas: such as `mobile` and `number`.
        unknown: how many of its words say nothing that is known.
        is_near: whether a word of it was taken for a slip of the pen.
    """

    ideas: frozenset[str]
    unknown: int
    is_near: bool


def read_header(name: str) -> Header:
    """What the name of a column says.

    Args:
        name: as it stands in the source.
    """
    tokens = _tokens(name)
    ideas: set[str] = set()
    unknown, is_near, place = 0, False, 0
    while place < len(tokens):
        said, taken, slipped = _next(tokens, place)
        place += taken
        ideas |= said or set()
        unknown += said is None
        is_near |= slipped
    if len(tokens) == 1 and tokens[0] in _ALONE:
        return Header(frozenset({_ALONE[tokens[0]]}), 0, is_near=False)
    if tokens[:1] == ["no"] and ideas & _CONSENT:
        ideas.add("refusal")
    return Header(frozenset(ideas - {"filler"}), unknown, is_near)


def _tokens(name: str) -> list[str]:
    """The words of a name, without case and accents, and without what only says how it is answered (yes/no)."""
    plain = unicodedata.normalize("NFKD", name[:_LONGEST_NAME].translate(_LETTERS))
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    words = [word.lower() for word in _WORD.findall(_BETWEEN.sub(" ", bare))]
    return words[:-2] if words[-2:-1] and words[-2] in _YES and words[-1] in _NO else words


def _next(tokens: list[str], place: int) -> tuple[frozenset[str] | None, int, bool]:
    """What the next words say (None if nothing known), how many words that took, and whether it was a near miss."""
    # A letter alone rather belongs to the word behind it: e-postadress.
    shortest = 2 if len(tokens[place]) == 1 and place + 1 < len(tokens) else 1
    for taken in range(min(_LONGEST_PHRASE, len(tokens) - place), 0, -1):
        said = _WORDS.get("".join(tokens[place : place + taken]))
        if said is not None and taken >= shortest:
            return said, taken, False
    for taken in (2, 1) if shortest > 1 else (1,):
        said, slipped = _alone("".join(tokens[place : place + taken]))
        if said is not None:
            return said, taken, slipped
    return None, 1, False


def _alone(word: str) -> tuple[frozenset[str] | None, bool]:
    """What one word says, and whether it was a near miss."""
    if word.isdecimal():
        ordinal = frozenset() if word.lstrip("0") == "1" else frozenset({"second"})
        return (ordinal if len(word) <= _LONGEST_ORDINAL else None), False
    said = _WORDS.get(word) or _compound(word)
    if said is not None:
        return said, False
    said = _slip(word)
    return said, said is not None


def _compound(word: str, parts: int = _MOST_PARTS) -> frozenset[str] | None:
    """What the parts of a compound say together, if all of it is known words, and there are no more than `parts`."""
    if parts < 2:
        return None
    for end in range(len(word) - 1, 1, -1):
        first = word[:end]
        if first not in _WORDS or (len(first) < _SHORTEST_PART and first not in _SHORT_PARTS):
            continue
        for link in _LINKS:
            rest = word[end + len(link) :]
            if not word.startswith(link, end) or len(rest) < 2:
                continue
            known = _WORDS.get(rest) if len(rest) >= _SHORTEST_PART or rest in _SHORT_PARTS else None
            said = known or _compound(rest, parts - 1)
            if said is not None:
                return _WORDS[first] | said
    return None


def _slip(word: str) -> frozenset[str] | None:
    """What a word says that is one slip of the pen away from a known one."""
    if len(word) < _SHORTEST_SLIP - 1:
        return None
    near = (
        known
        for length in (len(word), len(word) + 1, len(word) - 1)
        for known in _BY_LENGTH.get(length, ())
        if _is_one_slip(word, known)
    )
    found = next(near, None)
    return _WORDS[found] if found is not None else None


def _is_one_slip(word: str, known: str) -> bool:
    """Whether one letter is missing, too many, or another, or two neighbours stand the wrong way round."""
    shortest = min(len(word), len(known))
    start = next((place for place in range(shortest) if word[place] != known[place]), shortest)
    if start == 0 and len(word) != len(known):
        return False
    left, right = word[start:], known[start:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    if len(left) == len(right) == 2:
        return left == right[::-1]
    # A word of five letters with another one in it is as often another word (movie, movil).
    other_letter = len(left) == len(right) == 1 and start > 0 and len(known) > _SHORTEST_SLIP
    return len(left) + len(right) == 1 or other_letter
