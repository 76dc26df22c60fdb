# shellcheck shell=bash
# Putting damaged files aside and noting repairs. To be sourced by the healing scripts after `data`
# is set; needs log.sh.
#
# - Damaged files are copied to <data>/quarantine/<utc time>-<n>/ before they are changed. Nothing
#   there is ever deleted or overwritten. Once it holds QUARANTINE_MAX_MB, only the part of a file
#   from the damage on is copied: what stands before it is still in the file itself.
# - Each repair is a line in <data>/repairs.pending; the entrypoint makes events of them:
#   <unix ms> <reason> <file> <bytes cut> <quarantine folder>, separated by tabs.

: "${data:?}"
readonly QUARANTINE_MAX_BYTES=$((${QUARANTINE_MAX_MB:-256} * 1024 * 1024))

size_of() { stat -c %s -- "$1" 2>/dev/null || echo 0; }

# Bytes in all quarantine folders together.
quarantine_bytes() {
  local bytes
  bytes=$(du -sb "$data/quarantine" 2>/dev/null | cut -f1)
  echo "${bytes:-0}"
}

# The folder of this run, in `quarantine_dir`; made when first needed. A device without a clock of
# its own may see the same second twice, hence the counter.
quarantine_dir=''
open_quarantine() {
  local n=1 stamp
  [[ -z $quarantine_dir ]] || return 0
  stamp=$(date -u +%Y%m%dT%H%M%SZ)
  mkdir -p "$data/quarantine" 2>/dev/null
  until mkdir "$data/quarantine/$stamp-$n" 2>/dev/null; do
    ((n++ < 1000)) || return 1
  done
  quarantine_dir="$data/quarantine/$stamp-$n"
}

# keep_copy FILE OFFSET: copies FILE, or only what stands from OFFSET on when the quarantine or the
# card is full. A file that cannot be kept is repaired all the same: a Redis that runs is worth more
# than bytes it cannot read.
keep_copy() {
  local name size
  name=$(basename "$1")
  size=$(size_of "$1")
  if ! open_quarantine; then
    log error quarantine_failed file "$name"
    return 0
  fi
  # The first copy is the one made before anything was changed.
  if [[ -e $quarantine_dir/$name || -e $quarantine_dir/$name.from-$2 ]]; then return 0; fi
  if (($(quarantine_bytes) + size <= QUARANTINE_MAX_BYTES)); then
    cp -p -- "$1" "$quarantine_dir/$name" 2>/dev/null && return 0
    rm -f -- "$quarantine_dir/$name"
  fi
  tail -c "+$(($2 + 1))" -- "$1" >"$quarantine_dir/$name.from-$2" 2>/dev/null && return 0
  log error quarantine_failed file "$name"
}

# set_aside FILE...: moves whole files, which needs no space.
set_aside() { open_quarantine && mv -- "$@" "$quarantine_dir/"; }

# report REASON FILE BYTES_CUT
report() {
  printf '%s\t%s\t%s\t%s\t%s\n' "$(date +%s%3N)" "$1" "$2" "$3" "${quarantine_dir#"$data"/}" \
    >>"$data/repairs.pending"
  log warn data_repaired reason "$1" file "$2" bytes_cut "$3" quarantine "$quarantine_dir" \
    quarantine_bytes "$(quarantine_bytes)"
}
