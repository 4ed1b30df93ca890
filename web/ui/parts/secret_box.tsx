// Something that is shown once: a link, a token; to be copied now.
import { useState } from 'preact/hooks';
import { text } from '../text';

export function SecretBox({ title, note, secret, onClose }: { title: string; note: string; secret: string; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  };
  return (
    <div class="notice good" role="status">
      <p>
        <strong>{title}</strong>
      </p>
      <p>{note}</p>
      <p>
        <code>{secret}</code>
      </p>
      <p class="actions">
        <button type="button" onClick={() => void copy().catch(() => undefined)}>
          {copied ? text.common.copied : text.common.copy}
        </button>
        <button type="button" onClick={onClose}>
          {text.common.close}
        </button>
      </p>
    </div>
  );
}

/// The address that a one-time link's token belongs to.
export function linkOf(token: string): string {
  return `${location.origin}${location.pathname}#token=${token}`;
}
