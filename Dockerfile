# dl in a container: docker build --tag dl . && docker run --rm --volume "$PWD:/project" dl train config.yaml
# To pin the base by its digest: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
COPY pyproject.toml README.md LICENSE /source/
COPY configs /source/configs
COPY docs/man /source/docs/man
COPY src /source/src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM ${BASE}
# The packages are a layer of their own, which stays while only dl changes.
COPY requirements.run.lock /tmp/
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/requirements.run.lock \
    && rm /tmp/requirements.run.lock
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps /wheels/*.whl

# Any user may run it (`--user "$(id -u)"`, so that runs belong to you): its home is open to all.
RUN useradd --create-home --uid 1000 dl && mkdir --parents /project/runs \
    && chown --recursive dl:dl /project && chmod 1777 /home/dl /project/runs
ENV HOME=/home/dl
USER 1000
WORKDIR /project
VOLUME /project/runs
ENTRYPOINT ["dl"]
CMD ["--help"]
