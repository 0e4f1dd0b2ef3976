/**
 * What went wrong on the way to a server, in words: for channels that speak to
 * one over TCP and TLS. Never a stack trace, never more than a line.
 */

/** In characters: what is kept of what others say. */
export const saidMax = 300;

/** On one line, bounded, without control characters. */
export const shortened = (text: string, most = saidMax): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, most)
    .toWellFormed();

/** What a socket, the resolver or TLS threw. `cause`: the system's or TLS's own code, '' where there is none. */
export type NetworkFault = { readonly cause: string; readonly message: string };

/** Whether it is the server's certificate that does not hold. */
export const isCertificateFault = ({ cause, message }: NetworkFault): boolean =>
  /CERT|UNABLE_TO_|ALTNAME/.test(cause) || /certificate|altnames/i.test(message);

export const certificateWords = ({ message }: NetworkFault, host: string): string =>
  `shows a certificate that does not hold for ${host}: ${shortened(message)} (tls_ca_file names a CA of your own)`;

/** What is said after the server's name; null for a code that is not known here. @param runs what should run there. */
export function networkWords(cause: string, runs: string): string | null {
  if (cause === 'ECONNREFUSED') return `refuses connections: does ${runs} run there?`;
  return words[cause] ?? null;
}

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'is not known: there is no host of that name',
  EAI_AGAIN: 'could not be looked up: the name service does not answer',
  EHOSTUNREACH: 'cannot be reached: there is no way to that host',
  ENETUNREACH: 'cannot be reached: there is no way to that network',
  ECONNRESET: 'broke the connection off',
  EPIPE: 'broke the connection off',
  ECONNECTION: 'closed the connection before it took the message',
  ETIMEDOUT: 'did not answer in time',
};
