# earmark in a container: tells where recordings hold speech, music and noise, as a user without rights.
#
#   docker build -t earmark .
#   docker run --rm -v "$HOME/recordings:/data:ro" earmark > segmented.tsv
#
# Everything `earmark segment` needs is inside: no network, account or GPU.
FROM python:3.12-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/earmark
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install . && useradd --uid 10001 --create-home --shell /usr/sbin/nologin earmark

USER 10001
WORKDIR /data
VOLUME ["/data"]

ENTRYPOINT ["earmark"]
CMD ["segment", "/data"]
