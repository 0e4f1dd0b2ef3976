/**
 * Says in the log what a forgotten `trust_proxy` would do in silence: behind a
 * proxy all visitors have one address, so that one person's mistyped passwords
 * slow down everybody.
 */
import { isIP } from 'node:net';
import type { Express, RequestHandler } from 'express';
import type { Web } from './context.ts';

const advice =
  'set trust_proxy to the address of the proxy: until then all visitors behind it are one to the slowing down of logins';

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** At the start: what the settings alone show. */
export function warnOfForgottenProxy({ baseUrl, host, trustProxy, log }: Web): void {
  if (baseUrl?.protocol === 'https:' && isLoopback(host) && trustProxy === false) {
    log.warn({ baseUrl: baseUrl.href, host }, `base_url is https, so there is a proxy: ${advice}`);
  }
}

/** Once, when a request shows it. */
export function noticeProxy(web: Web, app: Express): RequestHandler {
  let said = false;
  return (request, _response, next) => {
    if (!said && request.headers['x-forwarded-for'] !== undefined) {
      const peer = request.socket.remoteAddress ?? '';
      const trusts: unknown = app.get('trust proxy fn');
      if (typeof trusts === 'function' && trusts(peer, 0) !== true) {
        said = true;
        web.log.warn({ peer }, `X-Forwarded-For came from an address that is not trusted: ${advice}`);
      }
    }
    next();
  };
}
