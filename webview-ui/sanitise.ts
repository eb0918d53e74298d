import DOMPurify from 'dompurify';

/** What markdown makes, and nothing else: no image, form, style, frame, SVG or attribute that acts or loads. */
const options = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'a', 'span'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li'],
    ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'title', 'class', 'align', 'start', 'data-path', 'data-line'],
  /** Otherwise DOMPurify holds the values of these against the pattern of addresses, and drops them. */
  ADD_URI_SAFE_ATTR: ['align', 'start', 'data-path', 'data-line'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|#$)/i,
};

/** HTML that may be put into the page, whatever a model wrote. */
export function sanitise(html: string): string {
  return DOMPurify.sanitize(html, options);
}
