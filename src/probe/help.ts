/** What `mauveprobe` says of itself. */

export const usage = `Usage: mauveprobe [options] TARGET...
       mauveprobe --config probe.yaml
Try:   mauveprobe --fake example.net        without any privilege, in a made-up network
       mauveprobe --help                    all options
`;

export const help = `mauveprobe: pings and traces targets, judges their paths, and sends alerts.

Examples
  mauveprobe www.example.com                       a live table, until ^C
  mauveprobe www.example.com/10 192.0.2.1          the first pinged every 10 s
  mauveprobe --json --rounds 1 www.example.com     one trace, as JSON lines, and the end
  mauveprobe --to alert.example.com www.example.com      verdicts go to a station
  mauveprobe --config /etc/mauve/probe.yaml        as a service; SIGHUP reads the file again
  mauveprobe --fake example.net                    a made-up network: needs no privilege

Targets are names (all their addresses are watched, IPv4 and IPv6) or addresses.
TARGET/SECONDS sets how often one is pinged.

Measuring                                                        probe.yaml
  --ping-interval TIME     how often each target is pinged       ping_interval   [30s]
  --trace-interval TIME    how often each is traced              trace_interval  [60s]
  --method METHOD          udp, icmp or tcp                      method          [udp]
  --timeout TIME           how long an answer may take           timeout         [1s]
  --retries N              a probe without answer is repeated    retries         [1]
  --max-hops N             the longest path                      max_hops        [30]
  --pps N                  probes a second, for all targets      pps             [5000]
  --engine ENGINE          scamper, mtr-packet, fake, unix:PATH  engine          [what is there]
  --fake                   --engine fake
  --rounds N               end after N traces of each target

Telling
  --to DEST                a station for alerts; may be repeated     to        [none]
  --name NAME              the source of the alerts                  name      [probe-HOST]
  --json                   one JSON object a line
  --control HOST:PORT|off  commands as JSON over UDP                 control   [127.0.0.1:55432]
  --metrics HOST:PORT|off  Prometheus, at /metrics                   metrics   [:9922]
  --state FILE             usual paths and figures survive a restart state     [$STATE_DIRECTORY]
  --user NAME              whom a probe started by root becomes      user      [nobody]

  --config FILE            the probe's file; options count more than it does
  --check                  is the file right? Then end
  -h, --help; --version

TIME is seconds (30, 0.5) or a length of time (90s, 2m).
Signals: HUP reads the file again, INT and TERM end in good order.
Exit codes: 0 good, 64 wrong options, 68 no target is known, 69 no engine can run, or an
address or the state file is taken, 78 something is wrong in the file.
`;
