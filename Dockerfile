# Infusion Records in a container: built in one stage, run in another as a user without rights.
#
#   docker build --build-arg BASE_DIGEST=@sha256:... --tag infusion-records .
#   docker compose up
#
# compose.yaml says with what it runs: a database, the worker, and a proxy that ends TLS. By itself it refuses to let others in until
# INFUSION_RECORDS_BASE_URL is https and INFUSION_RECORDS_TRUSTED_PROXIES names the proxy, and says so.

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
    && install --directory --owner records --group records /var/lib/infusion-records \
    && install --directory --owner records --group records --mode 0700 /var/lib/infusion-records/exports
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
EXPOSE 8080
ENTRYPOINT ["infusion-records"]
CMD ["serve", "--host", "0.0.0.0"]
