/**
 * The detail of an alert, made safe to show. It is kept as it was sent, and
 * cleaned each time it is shown: on the page, in the API, in a mail. Anybody
 * who can send a datagram can write it, so nothing in it may run, submit, look
 * like a part of the page, or fetch anything when it is merely looked at.
 */
import sanitizeHtml from 'sanitize-html';

/** Deeper than any person writes; what is nested further keeps its text and loses its tags. */
const nestingMax = 32;
/** In characters: the wire's own limit for a detail. */
const detailMax = 65_535;

const options: sanitizeHtml.IOptions = {
  allowedTags: [
    ...[
      'a',
      'abbr',
      'b',
      'blockquote',
      'br',
      'caption',
      'cite',
      'code',
      'dd',
      'del',
      'dfn',
      'div',
      'dl',
      'dt',
    ],
    ...[
      'em',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'hr',
      'i',
      'ins',
      'kbd',
      'li',
      'mark',
      'ol',
      'p',
      'pre',
      'q',
    ],
    ...[
      's',
      'samp',
      'small',
      'span',
      'strike',
      'strong',
      'sub',
      'sup',
      'table',
      'tbody',
      'td',
      'tfoot',
      'th',
    ],
    ...['thead', 'tr', 'tt', 'u', 'ul', 'var'],
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    abbr: ['title'],
    td: ['colspan', 'rowspan', 'align'],
    th: ['colspan', 'rowspan', 'align', 'scope'],
    ol: ['start'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesAppliedToAttributes: ['href'],
  allowProtocolRelative: false,
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'iframe', 'title', 'template', 'xmp'],
  nestingLimit: nestingMax,
  disallowedTagsMode: 'discard',
  enforceHtmlBoundary: false,
  transformTags: {
    a: (tagName, attribs) => ({ tagName, attribs: linkAttributes(attribs) }),
  },
};

/** Only whole addresses are links: a relative one would point into the station's own pages. */
function linkAttributes(attribs: sanitizeHtml.Attributes): sanitizeHtml.Attributes {
  const href = attribs.href ?? '';
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return {};
  const title: sanitizeHtml.Attributes = attribs.title === undefined ? {} : { title: attribs.title };
  return { href, ...title, rel: 'noopener noreferrer nofollow' };
}

/** Detail as HTML that is safe inside a page or a mail: text, lists, tables and links. */
export function safeDetail(raw: string): string {
  return sanitizeHtml(raw.slice(0, detailMax), options);
}

/** Whether a detail is plain text, whose line breaks mean something. */
export function isPlainDetail(raw: string): boolean {
  return !/<[a-z!/]/i.test(raw);
}
