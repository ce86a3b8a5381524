# Two stages: the first installs what the lock files pin, the second carries only the result. No compiler, no root.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/belvedere
COPY requirements.lock requirements-postgres.lock /tmp/
RUN /opt/belvedere/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-input \
        --only-binary=:all: --require-hashes -r /tmp/requirements.lock -r /tmp/requirements-postgres.lock
COPY . /opt/belvedere/app
RUN /opt/belvedere/bin/python /opt/belvedere/app/.ci/link.py \
 && /opt/belvedere/bin/python -m compileall -q /opt/belvedere


FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Belvedere" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin belvedere \
 && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/belvedere /opt/belvedere

ENV PATH=/opt/belvedere/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BELVEDERE_DATA=/data \
    BELVEDERE_LISTEN=0.0.0.0:8000

USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000

# Asks the running server over its control socket, so it needs neither address nor token.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 CMD ["belvedere", "status"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["belvedere"]
CMD ["up"]
