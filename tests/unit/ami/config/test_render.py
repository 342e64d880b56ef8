"""What the rendered files say, read back as the settings they are."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import pytest

from dialer.ami.config import ensure_secrets, render
from dialer.ami.config.dialplan import spoken_language
from dialer.ami.config.prompts import prompt_text
from dialer.ami.evidence import CEL_MAPPING
from dialer.ami.messages import WANTED_EVENTS
from dialer.config import Config
from dialer.types import ConfigError
from tests.lab.sounds import own_prompts

TRUNK = {"name": "main", "node": "ast1", "host": "192.0.2.7", "caller_id": "+541150000000"}


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return own_prompts(tmp_path / "prompts", 0.1)


class Rendered:
    """One rendering of a configuration with one node and one trunk, and its files."""

    def __init__(self, tmp_path: Path, prompts: Path | None, **tables: object) -> None:
        raw = {
            "service": {"home": tmp_path / "var"},
            "nodes": [{"name": "ast1"}],
            "trunks": [TRUNK],
            "agents": {"extensions": 2},
            "prompts": {"dir": prompts},
            **tables,
        }
        self.config = Config.model_validate(raw)
        self.secrets = ensure_secrets(self.config)
        self.out = tmp_path / "out"
        self.written = render(self.config, self.secrets, self.out)

    def text(self, name: str) -> str:
        return (self.out / "ast1" / name).read_text()

    def section(self, name: str, header: str, kind: str = "") -> dict[str, str]:
        """Return a section's settings; of several with one header, the one of this `type`."""
        for block in re.split(r"^(?=\[)", self.text(name), flags=re.MULTILINE):
            title, _, body = block.partition("\n")
            found = dict(re.findall(r"^([\w()]+) *=>? *(.*)$", body, re.MULTILINE))
            if title == header and (not kind or found.get("type") == kind):
                return found
        raise AssertionError(f"no {header} of type {kind!r} in {name}")


@pytest.fixture
def rendered(tmp_path: Path, prompts: Path) -> Rendered:
    return Rendered(tmp_path, prompts)


def test_only_files_with_secrets_are_closed(rendered: Rendered) -> None:
    closed = {path.name for path in rendered.written if path.stat().st_mode & 0o077 == 0}
    assert closed == {"manager.conf", "pjsip.conf"}


def test_rendering_again_replaces_everything(tmp_path: Path, prompts: Path) -> None:
    assert Rendered(tmp_path, prompts).written == Rendered(tmp_path, prompts).written


def test_the_two_sessions_of_the_engine_are_fences(rendered: Rendered) -> None:
    for user in ("[dialer-ev]", "[dialer-act]"):
        assert rendered.section("manager.conf", user)["allowmultiplelogin"] == "no"


def test_the_events_user_may_not_originate(rendered: Rendered) -> None:
    users = ("[dialer-ev]", "[dialer-act]", "[dialer-adm]")
    classes = {user: rendered.section("manager.conf", user)["write"].split(",") for user in users}
    assert [user for user in users if "originate" in classes[user]] == ["[dialer-act]", "[dialer-adm]"]


def test_only_the_administrative_user_may_use_the_console_and_nobody_writes_files(rendered: Rendered) -> None:
    users = ("[dialer-ev]", "[dialer-act]", "[dialer-adm]")
    classes = {user: rendered.section("manager.conf", user)["write"].split(",") for user in users}
    assert [user for user in users if "command" in classes[user]] == ["[dialer-adm]"]
    assert not any("config" in allowed for allowed in classes.values())


def test_each_wanted_event_has_its_filter_and_no_other(rendered: Rendered) -> None:
    filters = re.findall(r"^eventfilter\(name\((\w+)\)\) =$", rendered.text("manager.conf"), re.MULTILINE)
    assert sorted(filters) == sorted(WANTED_EVENTS)


def test_the_secrets_are_those_that_the_dialer_uses(rendered: Rendered) -> None:
    keys = rendered.secrets.node("ast1")
    found = [rendered.section("manager.conf", f"[dialer-{user}]")["secret"] for user in ("ev", "act", "adm")]
    assert found == [keys.events, keys.actions, keys.admin]
    phone = rendered.section("pjsip.conf", "[1001]", "auth")
    assert (phone["username"], phone["password"]) == ("1001", rendered.secrets.extension(1001))


def test_with_tls_the_plain_port_is_on_loopback_only(tmp_path: Path, prompts: Path) -> None:
    node = {"name": "ast1", "tls": True, "ami_bind": "10.0.0.5", "port": 5039}
    general = Rendered(tmp_path, prompts, nodes=[node]).section("manager.conf", "[general]")
    assert general["tlsbindaddr"] == "10.0.0.5:5039"
    assert (general["bindaddr"], general["port"]) == ("127.0.0.1", "5040")


def test_a_trunk_by_address(rendered: Rendered) -> None:
    endpoint = rendered.section("pjsip.conf", "[main]", "endpoint")
    assert (endpoint["context"], endpoint["allow"]) == ("dialer-inbound", "alaw,ulaw")
    assert "outbound_auth" not in endpoint
    assert rendered.section("pjsip.conf", "[main]", "aor")["contact"] == "sip:192.0.2.7:5060"
    assert rendered.section("pjsip.conf", "[main-identify]")["match"] == "192.0.2.7"


def test_a_trunk_shows_the_caller_id_and_never_the_agent(rendered: Rendered) -> None:
    endpoint = rendered.section("pjsip.conf", "[main]", "endpoint")
    shown = {name: endpoint[name] for name in ("trust_id_outbound", "send_pai", "send_connected_line")}
    assert shown == {"trust_id_outbound": "yes", "send_pai": "yes", "send_connected_line": "no"}


def test_a_trunk_that_registers_over_tls(tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER", "p@ss")
    trunk = {**TRUNK, "auth": "register", "username": "us", "password_env": "CARRIER", "transport": "tls"}
    rendered = Rendered(tmp_path, prompts, trunks=[trunk])
    auth = rendered.section("pjsip.conf", "[main]", "auth")
    registration = rendered.section("pjsip.conf", "[main-register]")
    assert (auth["username"], auth["password"]) == ("us", "p@ss")
    assert registration["server_uri"] == "sip:192.0.2.7:5060\\;transport=tls"
    assert rendered.section("pjsip.conf", "[transport-tls]")["bind"] == "0.0.0.0:5061"


def test_a_softphone_has_one_contact_and_no_way_out(rendered: Rendered) -> None:
    assert rendered.section("pjsip.conf", "[SOFTPHONE](!)")["context"] == "dialer-softphone"
    aor = rendered.section("pjsip.conf", "[SOFTPHONE-AOR](!)")
    assert (aor["max_contacts"], aor["remove_existing"]) == ("1", "yes")
    assert (aor["qualify_frequency"], aor["qualify_timeout"]) == ("1", "0.8")


def test_a_machine_is_told_within_the_cap(tmp_path: Path, prompts: Path) -> None:
    amd = Rendered(tmp_path, prompts, dialing={"amd_cap_s": 0.8}).section("amd.conf", "[general]")
    assert amd["total_analysis_time"] == "800"
    word_then_silence = int(amd["min_word_length"]) + int(amd["after_greeting_silence"])
    assert word_then_silence < int(amd["greeting"]) < 800 < int(amd["initial_silence"])


def test_the_message_comes_after_the_configured_time(tmp_path: Path, prompts: Path) -> None:
    dialplan = Rendered(tmp_path, prompts, dialing={"connect_within_s": 1.5}).text("extensions.conf")
    debtor = dialplan.partition("[dialer-debtor]")[2].partition("\n[")[0]
    assert re.findall(r"Wait\((.*)\)", debtor) == ["1.5", "1.5"]


def test_the_evidence_has_the_columns_its_reader_expects(rendered: Rendered) -> None:
    assert rendered.text("cel_custom.conf") == f"[mappings]\ndialer.csv => {CEL_MAPPING}\n"


def test_only_our_caller_ids_are_answered_with_and_without_plus(rendered: Rendered) -> None:
    inbound = rendered.text("extensions.conf").partition("[dialer-inbound]\n")[2].partition("\n[")[0]
    assert re.findall(r"^exten => ([^,]+)", inbound, re.MULTILINE) == ["+541150000000", "541150000000"]


def test_a_private_instance_keeps_everything_under_its_prefix(tmp_path: Path, prompts: Path) -> None:
    node = {"name": "ast1", "directories": "/srv/x", "recordings_inside": "/srv/x/rec"}
    rendered = Rendered(tmp_path, prompts, nodes=[node])
    places = rendered.section("asterisk.conf", "[directories]")
    assert places["astetcdir"] == "/srv/x/etc"
    assert all(place.startswith("/srv/x/") for place in places.values())
    assert "/srv/x/etc/sounds/dialer" in rendered.text("extensions.conf")


def test_production_uses_asterisks_own_directories(rendered: Rendered) -> None:
    assert "[directories]" not in rendered.text("asterisk.conf")
    assert "/etc/asterisk/sounds/dialer" in rendered.text("extensions.conf")


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"nodes": [], "trunks": []}, r"no \[\[nodes\]\]"),
        ({"nodes": [{"name": "ast1", "sip_bind": "5060"}]}, "sip_bind '5060' must be ADDRESS:PORT"),
        ({"nodes": [{"name": "ast1", "rtp_first": 20000, "rtp_last": 10000}]}, "rtp_first 20000 must be below"),
        ({"nodes": [{"name": "ast1", "directories": "/srv/a,b"}]}, "directories.*must be an absolute path"),
        ({"nodes": [{"name": "ast1", "recordings_inside": "/rec/${X}"}]}, "recordings_inside.*must be an absolute"),
        ({"trunks": [{**TRUNK, "codecs": "opus"}]}, "trunk 'main': codecs opus are not supported; use alaw"),
        ({"trunks": [{**TRUNK, "name": "1001"}]}, "trunk '1001' has the name of a softphone"),
    ],
)
def test_what_cannot_be_rendered_is_named_and_nothing_is_written(
    tmp_path: Path, prompts: Path, tables: dict[str, object], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        Rendered(tmp_path, prompts, **tables)
    assert not (tmp_path / "out").exists()


class TestPrompts:
    def test_own_audio_is_used_where_it_is_there(self, rendered: Rendered, prompts: Path) -> None:
        used = rendered.out / "ast1/sounds/dialer/pt/menu.wav"
        assert used.read_bytes() == (prompts / "pt/menu.wav").read_bytes()

    def test_audio_in_another_form_is_refused_with_the_remedy(self, tmp_path: Path, prompts: Path) -> None:
        with wave.open(str(prompts / "es/abandon.wav"), "wb") as audio:
            audio.setparams((2, 2, 44100, 0, "NONE", ""))
        with pytest.raises(ConfigError, match=r"abandon\.wav is 44100 Hz, 2 channel.*must be 8000 Hz.*sox"):
            Rendered(tmp_path, prompts)

    def test_what_is_not_audio_is_refused(self, tmp_path: Path, prompts: Path) -> None:
        (prompts / "en/notice.wav").write_text("hello")
        with pytest.raises(ConfigError, match=r"notice\.wav is not a WAV file"):
            Rendered(tmp_path, prompts)

    def test_without_the_speaking_program_the_remedy_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ConfigError, match="espeak-ng is not installed: 'apt-get install espeak-ng sox'"):
            Rendered(tmp_path, None)

    @pytest.mark.parametrize("language", ["es", "en", "pt"])
    def test_the_message_names_agency_and_number_but_no_debt(self, rendered: Rendered, language: str) -> None:
        agency = rendered.config.agency.model_copy(update={"name": "Acme", "callback_number": "+5411200"})
        text = prompt_text(language, "abandon", agency)  # type: ignore[arg-type]
        assert "Acme" in text
        assert "5, 4, 1, 1, 2, 0, 0" in text
        assert not re.search(r"deud|debt|dívida|divida|pago|payment|cobran", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("number", "language"), [("+5511987654321", "pt"), ("+12025550123", "en"), ("+541150000000", "es")]
)
def test_an_inbound_message_speaks_the_language_of_the_number_dialled(number: str, language: str) -> None:
    assert spoken_language(number) == language
