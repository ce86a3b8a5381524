"""How a job or a discovery authenticates and which certificates it trusts; pure, apart from reading secret files.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config
"""

import base64
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from collectors.outbound import OutboundFailed, tls_context
from collectors.pull.config_section import InvalidConfig, Section

_REFUSED: Final = {
    "oauth2": "tokens are not fetched by OAuth 2; use authorization.credentials_file",
    "proxy_url": "requests go without a proxy",
    "proxy_from_environment": "requests go without a proxy",
    "proxy_connect_header": "requests go without a proxy",
    "no_proxy": "requests go without a proxy",
    "http_headers": "headers of one's own are not sent",
}
_VERSIONS: Final = {
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
    "TLS10": ssl.TLSVersion.TLSv1_2,
    "TLS11": ssl.TLSVersion.TLSv1_2,
}


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Whom to trust and who we are; files are read when a connection is made."""

    ca: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""

    @property
    def is_plain(self) -> bool:
        """Nothing was asked for beyond the usual."""
        return self == TlsConfig()


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Credentials and TLS of one client."""

    scheme_word: str = ""
    """First word of the Authorization header, '' without one."""
    credentials: str = field(default="", repr=False)
    credentials_file: str = ""
    user_name: str = ""
    """Of basic authentication; the credentials are the password then."""
    tls: TlsConfig = TlsConfig()

    def authorization(self) -> str:
        """The Authorization header now, '' for none. Raises OutboundFailed if a file cannot be read."""
        if not self.scheme_word:
            return ""
        secret = _file(self.credentials_file) if self.credentials_file else self.credentials
        if self.scheme_word == "Basic":
            return f"Basic {base64.b64encode(f'{self.user_name}:{secret}'.encode()).decode()}"
        return f"{self.scheme_word} {secret}"


NO_CREDENTIALS: Final = ClientConfig()


def read_client(section: Section) -> ClientConfig:
    """Takes the fields of a client out of `section`. Raises InvalidConfig for what we do not do."""
    for name, why in _REFUSED.items():
        if section.take(name) not in (None, "", False, {}):
            raise section.wrong(name, f"is not supported: {why}")
    tls = _tls(section.section("tls_config"))
    kinds = [name for name in ("basic_auth", "authorization", "bearer_token", "bearer_token_file")
             if name in section.left()]  # fmt: skip
    if len(kinds) > 1:
        raise section.wrong(kinds[1], f"there is {kinds[0]} already; a client has one kind of credentials")
    if basic := section.section("basic_auth"):
        return _basic(basic, tls)
    if authorization := section.section("authorization"):
        return _authorization(authorization, tls)
    token, file = section.text("bearer_token"), section.text("bearer_token_file")
    return ClientConfig("Bearer" if token or file else "", _one_line(section, token), file, tls=tls)


def _basic(section: Section, tls: TlsConfig) -> ClientConfig:
    user, password = section.text("username"), section.text("password")
    file = section.text("password_file")
    user_file = section.text("username_file")
    section.finish()
    if user_file:
        raise section.wrong("username_file", "is not supported: user names are not secret; give username")
    return ClientConfig("Basic", password, file, user, tls)


def _authorization(section: Section, tls: TlsConfig) -> ClientConfig:
    word = section.text("type", "Bearer").strip()
    if word.lower() == "basic":
        raise section.wrong("type", "use basic_auth for basic authentication")
    credentials, file = section.text("credentials"), section.text("credentials_file")
    section.finish()
    return ClientConfig(_one_line(section, word), _one_line(section, credentials), file, tls=tls)


def _one_line(section: Section, text: str) -> str:
    if not text.isprintable():
        raise InvalidConfig(section.path, "credentials hold characters that no header may have")
    return text


def _tls(section: Section | None) -> TlsConfig:
    if section is None:
        return TlsConfig()
    config = TlsConfig(
        ca=section.text("ca"),
        ca_file=section.text("ca_file"),
        cert_file=section.text("cert_file"),
        key_file=section.text("key_file"),
        server_name=section.text("server_name"),
        insecure_skip_verify=section.flag("insecure_skip_verify", False),
        min_version=section.text("min_version"),
    )
    for name in ("cert", "key"):
        if section.take(name):
            raise section.wrong(name, f"is not supported inside the configuration; give {name}_file")
    if section.take("max_version"):
        raise section.wrong("max_version", "is not supported: the newest version that both sides know is used")
    if config.min_version and config.min_version not in _VERSIONS:
        raise section.wrong("min_version", f"{config.min_version!r} is none of {', '.join(sorted(_VERSIONS))}")
    if bool(config.cert_file) != bool(config.key_file):
        raise section.wrong("cert_file", "a client certificate needs cert_file and key_file")
    section.finish()
    return config


def ssl_context(config: TlsConfig) -> ssl.SSLContext:
    """Context of `config`; changed files are seen. Raises OutboundFailed if one cannot be read."""
    if config.is_plain:
        return tls_context()
    files = (config.ca_file, config.cert_file, config.key_file)
    return _context(config, tuple(_modified(name) for name in files if name))


@lru_cache(maxsize=256)
def _context(config: TlsConfig, _modified_ns: tuple[int, ...]) -> ssl.SSLContext:
    try:
        own_authority = config.ca_file or config.ca
        context = ssl.create_default_context(cafile=config.ca_file or None, cadata=config.ca or None) if (
            own_authority
        ) else ssl.create_default_context()  # fmt: skip
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ValueError) as error:
        raise OutboundFailed(f"the TLS files of the job cannot be used: {error}") from error
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.min_version:
        context.minimum_version = _VERSIONS[config.min_version]
    return context


def _modified(name: str) -> int:
    try:
        return Path(name).stat().st_mtime_ns
    except OSError as error:
        raise OutboundFailed(f"{name} cannot be read: {error.strerror}") from error


def _file(name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise OutboundFailed(f"{name} cannot be read: {error}") from error
    if not text.isprintable():
        raise OutboundFailed(f"{name} holds characters that no header may have")
    return text
