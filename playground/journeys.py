"""The accounts of the journeys: sign-ins of every kind, for tests and measurements; `seezar playground` does not seed
them. Like those of `playground.world` they are secrets of a loopback server, distinctive so that a search finds leaks.
"""

from dataclasses import dataclass

from playground.world import DemoAccount, SecondFactor


@dataclass(frozen=True, slots=True)
class JourneyAccount(DemoAccount):
    """An account whose sign-in begins at `start`, a path below the site's home."""

    start: str = "login"

    def url(self, base: str) -> str:
        """The page where the sign-in begins; `base` is the playground's `base_url`."""
        return f"{base.rstrip('/')}/{self.shape}/{self.start}"


def _account(
    shape: str,
    username: str,
    password: str,
    second_factor: SecondFactor = "none",
    totp_secret: str | None = None,
    start: str = "login",
) -> JourneyAccount:
    name = f"journey-{shape}"
    return JourneyAccount(
        name=name,
        shape=shape,
        username=username,
        password=password,
        second_factor=second_factor,
        totp_secret=totp_secret,
        mailbox=f"{name}@mail.seezar.test" if second_factor in ("email", "link") else None,
        start=start,
    )


JOURNEYS: tuple[JourneyAccount, ...] = (
    _account("two-page", "ops@northpier.test", "Pewter-Piston-9272-yoke!"),
    _account("spa", "ops@quillbase.test", "Plover-Yoke-2022-bobbin?", "totp", "DXI4437VSV3H7YW4YG3QL7YCPZSEYER2"),
    _account("split-auto", "ops@sixfold.test", "Tansy-Zither-6935-hasp+", "email"),
    _account("split-masked", "ops.maskwell", "Ferret-Spindle-9477-valve?", "totp", "TU3MXXNT7FV6GCSVERSJBSNMYFEULTEE"),
    _account("framed", "ops.casement", "Nuthatch-Tenon-7046-bevel?"),
    _account("sealed", "ops.amberseal", "Merlin-Oar-5558-ferrule?"),
    _account("side-by-side", "ops@twinoak.test", "Quince-Rasp-7614-dowel!"),
    _account("dialog", "ops@leafgate.test", "Walnut-Damper-8368-lathe?"),
    _account("link", "ops@paperplane.test", "Siskin-Zither-5871-quoin?", "link"),
    _account("link-confirm", "ops@inkfeather.test", "Dogwood-Quern-2650-awl!", "link"),
    _account(
        "lang-de", "betrieb@hafenlicht.test", "Linnet-Ingot-9815-bevel?", "totp", "WJYVO475KM2BKLV2QCJOEP4P3JQEZ3CW"
    ),
    _account("lang-fr", "equipe@quaiclair.test", "Birch-Ingot-6279-tenon=", "totp", "X6SNVGCZAIAZBRYAMTNLS6G4LT2PNWNW"),
    _account(
        "lang-es", "equipo@puertoluz.test", "Birch-Bobbin-7034-zither?", "totp", "WS7QE3ZVR5X24GPIOAUVEHEWEOOHOXKH"
    ),
    _account(
        "lang-ja", "unyo@minatobin.test", "Garnet-Spindle-7898-piston!", "totp", "FYUU2YLJL7QC46WH4X3OKUYHPUWGJJPJ"
    ),
    _account("lang-ar", "ops@marfa.test", "Nettle-Damper-5644-tenon?", "totp", "XDQFJ4FKDDBSXI4DAK7UPMYJM6KC76BH"),
    _account("phished", "ops@copperlark.test", "Indigo-Ladle-3998-eyelet+"),
    _account("decoy", "ops@brasswren.test", "Hazel-Rasp-2298-outrigger="),
    _account("leads-away", "ops@driftgate.test", "Gannet-Tenon-3361-rivet?"),
    _account("signup-start", "ops@fernhollow.test", "Ember-Oar-5600-spindle!", start="start"),
    _account("signup-only", "ops@mossbank.test", "Zinnia-Pulley-2940-nozzle="),
    _account("cookie-wall", "ops@biscotto.test", "Teal-Winch-4554-quern?"),
    _account("cookie-gate", "ops@macaroon.test", "Kite-Mortar-4478-urn?"),
    _account("stay-signed-in", "ops@larkmoor.test", "Quail-Dowel-7676-oar="),
    _account(
        "trust-browser",
        "ops@oakenshield.test",
        "Raven-Easel-6136-outrigger=",
        "totp",
        "RYXCBJWYZFEW36UYG63DAMETI2O76YIE",
    ),
    _account("passkey-offer", "ops@keywillow.test", "Pewter-Valve-8701-pulley="),
    _account("new-terms", "ops@parchmont.test", "Pewter-Zither-7834-ladle!"),
    _account("wizard", "ops@steppenlink.test", "Linnet-Hasp-7298-ladle?", "totp", "TZVX73A4CLTZT4GHXXIZE2N3523JVN5I"),
    _account("send-code", "ops@pigeonpost.test", "Basalt-Tenon-1464-trowel!", "email"),
    _account("same-form", "ops@onefold.test", "Birch-Gimlet-1856-dowel?", "email"),
    _account("letters", "ops@glyphery.test", "Amber-Urn-5852-rivet=", "email"),
    _account("totp-once", "ops@singlet.test", "Nettle-Anvil-8920-mallet=", "totp", "G2G3XEWHKCRFSMNCJ3PEXLCMUL46OWQB"),
    _account("remembered", "ops.hearthbox", "Zinnia-Yoke-8577-jib!"),
    _account("choose", "ops@fieldhand.test", "Elder-Spindle-7038-eyelet?"),
    _account("methods", "ops@forkmoor.test", "Bramble-Sluice-4417-wicket!", "totp", "KZ3UQ7LX5CJ2OWTRN6GDVYHA4MFEBSP2"),
    _account("way-password", "ops@twinpath.test", "Cormorant-Latch-3305-plinth?"),
    _account("passkey-first", "ops@ringstone.test", "Dunlin-Spigot-7129-gusset="),
    _account("approval", "ops@nodmere.test", "Curlew-Trestle-2864-flange!"),
    _account("sms", "ops@belltower.test", "Avocet-Bracket-9073-thimble?"),
    _account("onboarding", "ops@saplingo.test", "Wigeon-Gantry-5518-shackle+"),
    _account(
        "code-beside", "ops@tripleton.test", "Teasel-Ratchet-6642-bushing!", "totp", "PQ2MD6ZKX4VTR7WNJ5HCYBUE3OLGSAF7"
    ),
    _account("late-form", "ops@slowbloom.test", "Yarrow-Capstan-1197-grommet?"),
    _account("hash-spa", "ops@octothorpe.test", "Sedge-Windlass-8830-ferrule="),
    _account("captcha", "ops@turnbolt.test", "Ferret-Oar-1737-eyelet?"),
    _account("passkey-only", "ops@thumbprint.test", "Nuthatch-Anvil-7366-ferrule+"),
    _account("server-error", "ops@cinderfall.test", "Garnet-Cleat-4372-nozzle!"),
    _account("too-many", "ops@tollgate.test", "Siskin-Urn-5608-rasp+"),
    _account("too-many-words", "ops@turnpike.test", "Sorrel-Trowel-8385-rasp+"),
    _account("locked", "ops@ironlatch.test", "Umbra-Outrigger-7566-gasket+"),
    _account("locked-words", "ops@steelhasp.test", "Hazel-Xylem-8936-hinge!"),
    _account("circle", "ops@roundel.test", "Cedar-Oar-6538-tenon?"),
    _account("circle-after", "ops@ouroboro.test", "Ember-Keel-9717-ladle!"),
    _account("endless", "ops@slowmere.test", "Heron-Awl-3491-nozzle?"),
    _account("long-poll", "ops@everbrook.test", "Heron-Quern-8309-quoin!"),
    _account("dialogs", "ops@knockwell.test", "Elder-Quern-2908-cleat!"),
    _account("popup", "ops@windowsill.test", "Hazel-Hinge-2858-pulley+"),
    _account("popup-target", "ops@sidedoor.test", "Madder-Nozzle-2011-urn="),
)


def journey_of(shape: str) -> JourneyAccount:
    """The account of a site.

    Raises:
        KeyError: no journey has this name.
    """
    return {account.shape: account for account in JOURNEYS}[shape]
