/** What `mauvectl --help` says: examples first, for most people copy one. */
export const help = `mauvectl: what an administrator of an alert station types.

Examples
  mauvectl token add deploy                          a token for a script; it is shown once, here
  mauvectl token list
  mauvectl token remove deploy
  mauvectl user add ann                              asks for a password
  mauvectl --config /etc/mauve/station.yaml user add ann        of the station with that file
  mauvectl user add ann --password-file ann.pw       reads it from the file's first line
  mauvectl user password ann                         sets another, and ends ann's sessions
  mauvectl user link ann                             a link that logs ann in once, within the hour
  mauvectl user list
  mauvectl user remove ann                           ends ann's sessions too

  mauvectl policy check my.yaml                      every mistake, as FILE:LINE:COL: what was expected
  mauvectl policy check --strict policies/*.yaml     warnings count, too
  mauvectl policy explain my.yaml --source core --subject cr1 --id link-down --at 03:00
                                                     who would be told of that alert, when, by what, and why
  mauvectl policy test my.yaml                       plays my*.scenario.yaml beside it

  mauvectl message preview --channel sms             a message as it would go out; nothing is sent
  mauvectl message preview my.yaml --channel email --event digest --person ann
                                                     in the words of the policy's templates

  mauvectl silence add --source backup --for 2h --reason "tapes are changed"
  mauvectl silence add --match '{subject: "db*", not: {id: disk}}' --for 1d --reason "moving house"
  mauvectl silence list
  mauvectl silence end 17

  mauvectl channel test ann sms                      sends ann a real message, and waits for its receipt
  mauvectl channel test ann email --wait 2m

Options               environment     station file
  --config FILE       MAUVE_CONFIG                the station file, the one that mauveserver has
  --data DIR          MAUVE_DATA      data        the station's data folder  [./data]
  --web HOST:PORT     MAUVE_WEB       web         where the page is, for links  [127.0.0.1:1288]
                                      base_url    the same, as others see it; counts more for links
  --password-file F                               the first line of F; - is standard input
  --token-file F      MAUVE_TOKEN                 silence, channel: the station's token, the first line of F;
                                                  without one, it makes one for the moment by the data folder
  --json                                          policy, message, silence list, channel test: the answer
                                                  for programs
  --wait 60s                                      channel test: how long a receipt is waited for
  -h, --help                                      this text
  --version                                       the version

Messages of message preview, each with a sensible default
  --channel email|sms|xmpp|webhook|inbox  --level low|normal|urgent  --person NAME  --policy FILE
  --event raised|re-raised|acknowledged|cleared|reminder|test|digest|summary
  --html                                          the HTML of an email

The alert of policy explain, message preview and silence add
  --source S  --subject U  --id I  --summary TEXT  --detail TEXT  --importance N
  --match YAML        for silence: all that a policy's match can say, but for its lists

Times of policy explain: 10:30, mon 08:00, -2h, +30m, 2026-11-23 09:00 in the policy's zone, or RFC 3339
  --at TIME           from when on it tells  [now]
  --raised-at TIME    when the alert was raised  [at that time]
  --acked-at TIME     when somebody acknowledges it; +30m is after the raise. --ack-for 2h: for how long
  --for 24h           how far ahead it tells; for silence add, how long the silence lasts

Options count more than the environment, the environment more than the station file.
Accounts are changed beside a running station, at once, and without one; silences are made, and channels
tried, by a running one.
A user whose name is a person of the policy is that person: their own messages are in their inbox.
Exit codes: 0 done, 1 refused (the reason is on stderr), not delivered, or not as a scenario expects, 64 wrong
words, 65 a bad password or token file, 66 a file cannot be read, there is no database or no scenario, 69 no
station answers, 74 the data folder cannot be used or stdout not be written, 75 no receipt came in time, 78
something is wrong in a policy, a scenario, the station file or the environment.
`;
