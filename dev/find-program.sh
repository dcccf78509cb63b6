# What the scripts share that find a program which pip cannot install. Read by them, not run.

first_that_runs() {
    for program in "$@"; do
        # Ubuntu has a chromium-browser that only says which snap to install.
        if "$program" --version >/dev/null 2>&1; then
            command -v "$program"
            exit 0
        fi
    done
}

# usage: install_on_debian PACKAGE PURPOSE
# For root on Debian alone: a container that runs the checks begins without. Progress is of no interest, errors are.
# RUNLEVEL keeps a package from starting a server of its own.
install_on_debian() {
    [ "$(id -u)" = 0 ] && grep -qsx 'ID=debian' /etc/os-release && command -v apt-get >/dev/null || return
    echo "installing the package $1 for $2" >&2
    apt-get update -qq -o Acquire::Retries=3 >/dev/null &&
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends \
            -o Acquire::Retries=3 "$1" >/dev/null
}
