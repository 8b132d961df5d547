# A container of the Linux release. Make the release first; docs/container.md tells more.
#   release/build linux-x64 && docker build -t nativestyle .

FROM debian:trixie-slim AS program
ARG TARGETARCH=amd64
COPY release/out/nativestyle-*-linux-*.tar.gz /releases/
RUN case "$TARGETARCH" in amd64) platform=linux-x64 ;; *) platform="linux-$TARGETARCH" ;; esac \
 && mkdir /opt/nativestyle \
 && tar -xzf /releases/nativestyle-*-"$platform".tar.gz -C /opt/nativestyle --strip-components=1

# No image comes into being unless the program in it paints, as the user and with the packages of the image itself.
FROM debian:trixie-slim AS base
# More packages, such as an OpenCL driver: --build-arg PACKAGES="ocl-icd-libopencl1 pocl-opencl-icd"
ARG PACKAGES=""
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3t64 $PACKAGES \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home painter \
 && mkdir /work && chown painter /work
COPY --from=program /opt/nativestyle /opt/nativestyle
RUN ln -s /opt/nativestyle/nativestyle /usr/local/bin/nativestyle
USER painter
WORKDIR /work

FROM base AS check
COPY samples/content/town.jpg samples/style/strokes.jpg /samples/
RUN nativestyle --version \
 && nativestyle transfer /samples/town.jpg /samples/strokes.jpg -o /tmp/town-strokes.png --size 128 --iterations 5 \
 && test -s /tmp/town-strokes.png && touch /tmp/checked

FROM base
COPY --from=check /tmp/checked /opt/nativestyle/checked
LABEL org.opencontainers.image.title="NativeStyle" \
      org.opencontainers.image.description="Neural style transfer in C#, with hand-written kernels" \
      org.opencontainers.image.licenses="MIT"
# The NVIDIA container toolkit gives the driver (libcuda.so.1) to containers that ask for computing.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME /work
ENTRYPOINT ["nativestyle"]
