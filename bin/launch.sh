# Starts one of the built programs on a Node that can run it; read in by the
# scripts beside this file, which set `bin` to this folder. No process is
# started on the way, because mauvesend's start is all of its running time.
#
#   launch NAME FILE NODE ARGUMENT...    runs dist/FILE with the arguments; the
#       system's Node must be version NODE or newer ('': FILE checks for itself);
#       Node is given the options in `node_flags`, if a script has set it since
node_flags=

launch_failed() {
  printf '%s: %s\n' "$name" "$1" >&2
  exit 69
}

launch() {
  name=$1 file=$bin/../dist/$2 needs=$3
  shift 3
  [ -f "$file" ] || launch_failed 'not built yet; in the folder of the project, type: npm ci && npm run build'
  node=$bin/../node_modules/.bin/node
  [ -x "$node" ] && exec "$node" $node_flags "$file" "$@"
  # Installed as a package: beside the other packages, whose commands are in .bin.
  node=$bin/../../../node_modules/.bin/node
  [ -x "$node" ] && [ "$bin/.." -ef "$bin/../../../node_modules/mauve" ] && exec "$node" $node_flags "$file" "$@"
  command -v node >/dev/null 2>&1 || launch_failed "needs Node${needs:+ $needs or newer}, and there is no node on the PATH"
  if [ -n "$needs" ]; then
    version=$(node -p 'process.versions.node' 2>/dev/null) || version=0
    [ "${version%%.*}" -ge "$needs" ] || launch_failed "needs Node $needs or newer, and the node on the PATH is $version"
  fi
  exec node $node_flags "$file" "$@"
}
