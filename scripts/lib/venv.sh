# Sourced by the scripts beside it; not run by itself.
#
# use_venv: make sure that a virtual environment holds this tree and the locked tools, and put it
# first on PATH. An active VIRTUAL_ENV is used as it is; otherwise .venv in the project's root,
# made with $PYTHON (python3 unless set). Nothing is installed while the stamp file matches; it stands
# for the tools, and for the C extension: what it is made of, and whether it is there.

project_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
lock_file="$project_root/requirements/dev.lock"

_venv_fingerprint() {
  local speedups="$project_root/ipcrt/_speedups" suffix
  suffix="$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
  {
    "$1/bin/python" -VV
    printf '%s\n' "$project_root"
    cat "$lock_file" "$project_root/pyproject.toml" "$project_root/setup.py" "$speedups"/*.[ch]
    [[ ! -e "$speedups/_native$suffix" ]] || echo built
  } | sha256sum | cut -d ' ' -f 1
}

_venv_create() {
  local python="${PYTHON:-python3}"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is older than CPython 3.11; set PYTHON to a newer one" >&2
    return 1
  }
  "$python" -m venv "$1" || {
    echo "cannot make $1; on Debian, install python3-venv" >&2
    return 1
  }
}

_venv_install() {
  local pip=("$1/bin/python" -m pip --disable-pip-version-check --quiet)
  echo "installing the locked development environment into $1" >&2
  # The build backend comes from the lock too, hence no build isolation.
  "${pip[@]}" install --constraint "$lock_file" setuptools &&
    "${pip[@]}" install --constraint "$lock_file" --no-build-isolation \
      --editable "$project_root[dev]"
}

_venv_prepare() {
  local venv="$1" stamp="$1/.ipcrt-dev-stamp" wanted
  [[ -x "$venv/bin/python" ]] || _venv_create "$venv" || return
  wanted="$(_venv_fingerprint "$venv")" || return
  [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && return
  _venv_install "$venv" || return
  _venv_fingerprint "$venv" >"$stamp"
}

use_venv() {
  local venv="${VIRTUAL_ENV:-$project_root/.venv}" lock_fd status=0
  # Two scripts started at once must not install into the same place.
  exec {lock_fd}<"$project_root"
  flock "$lock_fd"
  _venv_prepare "$venv" || status=$?
  exec {lock_fd}<&-
  ((status == 0)) || return "$status"
  export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
  unset PYTHONHOME
}
