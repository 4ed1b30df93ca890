// A command to paste on a host, with a button that copies it.
import { useState } from 'preact/hooks';
import { text } from '../text';

export function Command({ command }: { command: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="command">
      <pre tabIndex={0}>{command}</pre>
      <button type="button" onClick={() => void navigator.clipboard.writeText(command).then(() => setCopied(true))}>
        {copied ? text.common.copied : text.common.copy}
      </button>
    </div>
  );
}
