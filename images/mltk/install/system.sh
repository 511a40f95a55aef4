# Debian's own packages, and who runs the steps.
. "$(dirname "$0")/common.sh"

apt-get update -q
apt-get upgrade -q -y
# openssh-client: git and DVC over SSH. tini is not needed: Tekton's entrypoint is process 1.
apt-get install -q -y --no-install-recommends ca-certificates git openssh-client python3 python3-venv
apt-get clean
groupadd --gid 65532 mltk
useradd --uid 65532 --gid 65532 --home-dir /tekton/home --no-create-home --shell /bin/sh mltk
mkdir -p /tekton/home /workspace
chown 65532:65532 /tekton/home /workspace
rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /var/lib/dpkg/*-old /etc/*- \
    /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /usr/share/info/* /usr/share/lintian/*
: > /etc/machine-id
compile python3 /usr/lib/python3
compile python3 /usr/lib/python3.11
