# Infusion Records in a container: built in one stage, run in another as a user without rights.
#
#   docker build --build-arg BASE_DIGEST=@sha256:... --tag infusion-records .
#   docker run --rm --read-only --tmpfs /tmp --network host --volume records:/var/lib/infusion-records infusion-records db upgrade
#   docker run --read-only --tmpfs /tmp --network host --volume records:/var/lib/infusion-records infusion-records
#
# Until the service has authentication it listens on loopback only, hence the host's network.

ARG BASE_TAG=3.11-slim-bookworm
ARG BASE_DIGEST=""

FROM python:${BASE_TAG}${BASE_DIGEST} AS build
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/venv && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes --requirement requirements.lock
RUN python -m venv /opt/build && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE openapi.yaml ./
COPY scripts/wheel.py scripts/wheel.py
COPY fhir_profiles fhir_profiles
COPY migrations migrations
COPY service service
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . && /opt/venv/bin/python -m pip install --no-deps --no-index dist/*.whl

FROM python:${BASE_TAG}${BASE_DIGEST}
RUN groupadd --gid 10001 records \
    && useradd --uid 10001 --gid records --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin records \
    && install --directory --owner records --group records /var/lib/infusion-records
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    INFUSION_RECORDS_DATABASE_URL=sqlite:////var/lib/infusion-records/infusion-records.db
WORKDIR /var/lib/infusion-records
VOLUME /var/lib/infusion-records
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["infusion-records"]
CMD ["serve"]
