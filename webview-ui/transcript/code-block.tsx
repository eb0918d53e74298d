import { memo, useEffect, useState } from 'react';
import { useColours } from '../colours.ts';
import { usePanel } from '../context.ts';
import { IconButton } from '../icon.tsx';
import { sanitise } from '../sanitise.ts';
import { strings } from '../strings.ts';

/** For how long the copy button says that it has copied, in milliseconds. */
const COPIED_FOR = 1500;

interface CodeBlockProps {
  code: string;
  language: string;
  /** An open fence still grows: it is highlighted once, when it is closed. */
  closed: boolean;
}

export const CodeBlock = memo(function CodeBlock({ code, language, closed }: CodeBlockProps) {
  const html = useColours(code, language, closed);
  return (
    <figure className="code-block">
      <figcaption>
        <span>{language}</span>
        <CopyButton text={code} label={strings.transcript.copyCode} />
      </figcaption>
      <pre>
        {html === null ? (
          <code>{code}</code>
        ) : (
          // biome-ignore lint/security/noDangerouslySetInnerHtml: highlight.js escapes, and DOMPurify is behind it
          <code dangerouslySetInnerHTML={{ __html: sanitise(html) }} />
        )}
      </pre>
    </figure>
  );
});

export function CopyButton({ text, label }: { text: string; label: string }) {
  const { host } = usePanel();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_FOR);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    host.post({ type: 'copy', text });
    setCopied(true);
  };
  return (
    <IconButton
      icon={copied ? 'check' : 'copy'}
      label={copied ? strings.transcript.copied : label}
      onClick={copy}
      className="copy"
    />
  );
}
