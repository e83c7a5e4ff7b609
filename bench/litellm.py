"""LiteLLM's proxy: one worker, one master key, no database."""

import json
from pathlib import Path

from bench.environments import python_environment
from bench.peer import GOOD_KEY
from bench.single import Single

REQUIREMENT = "litellm[proxy]==1.100.5"


class LiteLlm(Single):
    """Given a tenth of the requests: it takes some hundred times as long for one."""

    name = "litellm"
    given = 0.1
    refuses = True

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        where = python_environment(self.name, REQUIREMENT)
        config = folder / "litellm.json"
        model = {"model": "openai/bench", "api_base": f"{upstream}/v1", "api_key": "none"}
        config.write_text(
            json.dumps(
                {
                    "model_list": [{"model_name": "bench", "litellm_params": model}],
                    "litellm_settings": {"telemetry": False, "num_retries": 0},
                    "general_settings": {"master_key": self.keys[0], "disable_spend_logs": True},
                }
            )
        )
        return [str(where / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]

    def environment(self) -> dict[str, str]:
        return {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}

    @property
    def keys(self) -> list[str]:
        return [f"sk-{GOOD_KEY}"]
