/**
 * What mauvesend says about itself: the short help and the manual. The page
 * docs/mauvesend.md says the same at more length; a test holds the options
 * named here against those that the parser knows.
 */
import { defaultPort } from '../wire/destination.ts';
import { datagramMax } from '../wire/update.ts';

export const help = `Send an alert to the alert stations.

  mauvesend -i disk -s "disk is 97% full" alert.example.com      raise an alert
  mauvesend -i disk -c alert.example.com                         clear it
  mauvesend -i backup -c now -r +25h -s "no backup" alert.example.com
                                                 heartbeat: raise unless heard from again
  mauvesend -o nagios -p -i disk -i load alert.example.com       these are raised, no others

Usage: mauvesend [options] [--id ID [its options]]... [DESTINATION]...

  -i, --id ID            the alert; the options that describe it follow its id
  -s, --summary TEXT     what is wrong, in one line
  -u, --subject TEXT     what it is about (the source, if not given)
  -d, --detail TEXT      everything else, may hold simple HTML
  -r, --raise [TIME]     raise the alert now, or then; this is what happens if no time is given
  -c, --clear [TIME]     clear the alert now, or then
  -e, --suppress TIME    tell nobody until then
  -o, --source NAME      who reports (this machine's name)
  -p, --replace          clear all other alerts of this source
  -v, --verbose          say what is sent and where; twice: all of it
  -h, --help             this help
  -m, --manual           the manual
  -V, --version          the version

TIME: now, +10m, -2h, 5m (s, m, h, d), or seconds since 1970.
DESTINATION: HOST, HOST:PORT, IPv4, IPv4:PORT, IPv6, [IPv6]:PORT; without any, those of
/etc/mauvealert/mauvesend.destination.
`;

export const manual = `MAUVESEND(1)

NAME
  mauvesend - send an alert update to alert stations

EXAMPLES
  Raise an alert when a disk fills up, and clear it when there is room again:

    mauvesend -i disk -s "disk is 97% full" -u db1.example.com alert.example.com
    mauvesend -i disk -c alert.example.com

  A heartbeat from cron, every five minutes. Each clears the alert and plans to
  raise it eleven minutes later, which the next one prevents:

    */5 * * * *  mauvesend -i heartbeat -s "no heartbeat" -c now -r +11m alert.example.com

  An alert while a job runs too long:

    mauvesend -i job -s "the job hangs" -r +2h; run-the-job; mauvesend -i job -c

  Planned work: raise nothing to anybody for the next hour:

    mauvesend -i web -s "web server down" -e +1h alert.example.com

SYNOPSIS
  mauvesend [options] [--id ID [its options]]... [DESTINATION]...

DESCRIPTION
  Sends one alert update, as one UDP datagram, to every address of every
  destination, and exits. An alert is known by its source and its id: sending it
  again is no new alert, it says that the old one is still so. Text that is not
  given again stays as it was.

  UDP gives no receipt. "Sent" means that a datagram left this machine for at
  least one destination; who must not miss an alert sends it again from time to
  time, or lets a heartbeat stop.

OPTIONS
  -i, --id ID
      The alert, by a name of your own, unique within its source. May be given
      several times; the options below it describe the latest.
  -s, --summary TEXT
      What is wrong, in one line.
  -u, --subject TEXT
      What the alert is about, usually a host. If there is none, the source.
  -d, --detail TEXT
      All there is to say. May hold simple HTML.
  -r, --raise [TIME]
      Raise the alert now or at TIME. Without -r and -c it is raised now.
  -c, --clear [TIME]
      Clear the alert now or at TIME. A word after -r or -c that can only be a
      destination is left to be one.
  -e, --suppress TIME
      Tell nobody of this change before TIME.
  -o, --source NAME
      Who reports: this machine's host name if not given.
  -p, --replace
      This update lists every alert of the source that is raised: all others are
      cleared. May be sent with no alert at all.
  -v, --verbose
      Print what is sent and where, and say on stderr which destinations failed.
      Twice: print the whole update.
  -h, --help; -m, --manual; -V, --version

  Long options may be shortened while that is clear (--sum), short ones written
  together (-pv). A value that begins with a dash is written --summary=-5.
  "--" ends the options. With POSIXLY_CORRECT in the environment, options end at
  the first destination.

TIMES
  now; +10m, -2h: from now, in s, m, h or d (seconds if no unit is given);
  5m: the same as +5m; 1700000000: seconds since 1970, where 0 means not given.

DESTINATIONS
  HOST, HOST:PORT, 192.0.2.1, 192.0.2.1:PORT, 2001:db8::1, [2001:db8::1]:PORT.
  The port is ${defaultPort} if not given. For a HOST without a port, SRV records of
  _mauvealert._udp.HOST say where to send, if there are any: to the one with the
  lowest priority, drawn by weight, and to the next only where that cannot be
  sent to. Otherwise to all addresses of the host.

  Without a destination, those in /etc/mauvealert/mauvesend.destination are
  used: words parted by spaces or lines; # begins a comment.

EXIT CODES
  0   sent to at least one destination
  64  the command line is wrong; nothing was sent
  65  the update is too long for a datagram (${datagramMax} bytes)
  68  no destination's host is known
  69  no destination can be reached
`;
