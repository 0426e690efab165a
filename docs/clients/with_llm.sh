# Asks a running server with the program `llm`: text, a stream, a picture, JSON of a schema.
#
#   bash with_llm.sh http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
#
# It sends no films: they are refused before anything is sent.
set -eu
LLM_USER_PATH=$(mktemp -d)
export LLM_USER_PATH
trap 'rm -rf "$LLM_USER_PATH"' EXIT
cat > "$LLM_USER_PATH/extra-openai-models.yaml" <<YAML
- model_id: revisit
  model_name: embedded
  api_base: $1
  vision: true
  supports_schema: true
YAML
llm keys set openai --value "${REVISIT_API_KEY:-none}"
ask() { llm -m revisit --no-log -o temperature 0 -o max_tokens "$@"; }
whole=$(ask 24 --no-stream 'Name three colors.')
streamed=$(ask 24 'Name three colors.')
test -n "$whole"
test "$whole" = "$streamed"
echo "text: $streamed"
echo "picture: $(ask 24 'What is in this picture?' -a "$3")"
echo "typed: $(ask 24 'Color of the sky?' --schema '{"type": "object", "properties": {"color":
  {"type": "string", "enum": ["blue", "green", "red"]}}, "required": ["color"], "additionalProperties": false}')"
if ask 24 'What happens?' -a "$2" 2> "$LLM_USER_PATH/error"; then exit 1; fi
echo "film: $(head -n 1 "$LLM_USER_PATH/error")"
