# One image for both services, the migrations and the passfiles; compose.yaml sets which of them a container runs.

FROM python:3.13-slim AS build
RUN python -m venv --without-pip /venv
COPY requirements.txt /
# Wheels only, so that nothing is compiled here. Files for a C compiler are removed.
RUN python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --root-user-action ignore \
        --require-hashes --only-binary :all: -r /requirements.txt \
    && find /venv -type f \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \) -delete
COPY api_service /app/api_service
COPY stream_service /app/stream_service
COPY shared /app/shared
COPY sql /app/sql
COPY frontend /app/frontend
# The container's root file system is read-only, so the bytecode is compiled now. It is not checked against the sources,
# whose dates differ between builds.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app


FROM python:3.13-slim
# An empty volume takes the owner of the directory that it is mounted on. `prepare` writes to the volumes of these.
RUN groupadd --gid 10001 stockstream \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin stockstream \
    && install -d -o 10001 -g 10001 -m 0700 /run/passwords/api /run/passwords/stream /run/passwords/broker \
        /run/certificates
# The code belongs to root: a service can read it, but not change it.
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    API_BIND=0.0.0.0:8000 \
    STREAM_BIND=0.0.0.0:8001 \
    LOG_FORMAT=json
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001
CMD ["python", "-m", "api_service"]
