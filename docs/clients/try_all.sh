# Runs every client of this folder against a server, each in an environment of its own.
#
#   python -m app serve &
#   bash docs/clients/try_all.sh http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
#
# Environments go to $CLIENTS (a temporary folder by default). Ends with 1 if a client fails.
set -u
here=$(cd "$(dirname "$0")" && pwd)
where=${CLIENTS:-$(mktemp -d)}
failed=0
export LITELLM_LOCAL_MODEL_COST_MAP=True NO_PROXY=127.0.0.1,localhost

tried() {
    echo "== $1"
    shift
    "$@" || { echo "FAILED"; failed=1; }
}
for name in openai langchain-openai litellm llm; do
    "$where/$name/bin/pip" show -q "$name" 2>/dev/null || { python3 -m venv "$where/$name" &&
        "$where/$name/bin/pip" install -q "$name"; } || exit 1
done
tried openai "$where/openai/bin/python" "$here/with_openai.py" "$@"
tried LangChain "$where/langchain-openai/bin/python" "$here/with_langchain.py" "$@"
tried LiteLLM "$where/litellm/bin/python" "$here/with_litellm.py" "$@"
PATH="$where/llm/bin:$PATH" tried llm bash "$here/with_llm.sh" "$@"
if command -v npm >/dev/null; then
    mkdir -p "$where/node"
    cp "$here/with_node.mjs" "$where/node"
    test -d "$where/node/node_modules/openai" || npm install -s --prefix "$where/node" openai || exit 1
    tried "openai for Node" node "$where/node/with_node.mjs" "$@"
fi
exit $failed
