// A host's login to a share, shown once, and its quota.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { ShareAccount, ShareCredentials } from '../generated/api';
import { useAction } from '../resource';
import { text } from '../text';
import { Dialog, TextField } from './forms';

/// Asks first; the answer then stands in the same dialog, since nothing shows it again.
export function CredentialsDialog({
  host,
  rotate,
  onClose,
  onIssued,
}: {
  host: string;
  rotate: boolean;
  onClose: () => void;
  onIssued: () => void;
}) {
  const [issued, setIssued] = useState<ShareCredentials | null>(null);
  const issue = useAction(async () => {
    setIssued(await call('issueShareCredentials', { path: { name: host }, body: { rotate } }));
    onIssued();
  });
  return (
    <Dialog
      title={rotate && !issued ? text.shares.rotateTitle(host) : text.shares.issueTitle(host)}
      action={issued ? text.shares.done : rotate ? text.shares.rotateAction : text.shares.issueAction}
      danger={rotate && !issued}
      busy={issue.busy}
      problem={issue.problem}
      onSubmit={() => (issued ? onClose() : void issue.run())}
      onClose={onClose}
    >
      {issued ? <Issued issued={issued} /> : <p class="muted">{rotate ? text.shares.rotateNote : text.shares.issueNote}</p>}
    </Dialog>
  );
}

function Issued({ issued }: { issued: ShareCredentials }) {
  return (
    <>
      {issued.server.message && (
        <div class="notice warning" role="status">
          <p>{text.shares.notYet(issued.server.message)}</p>
        </div>
      )}
      <p>{text.shares.once}</p>
      <Copied label={text.shares.account} value={issued.account} />
      <Copied label={text.hosts.password} value={issued.password} />
      <p>{text.shares.onHost(issued.host)}</p>
      {issued.commands.map((step) => (
        <Copied key={step.title} label={step.title} value={step.command} />
      ))}
    </>
  );
}

/// A text to be taken along; the button says when it is in the clipboard.
function Copied({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  });
  return (
    <div class="field">
      <div class="copied">
        <span>{label}</span>
        <button type="button" class="chip" aria-label={text.shares.copyLabel(label)} onClick={() => void copy.run()}>
          {copied ? text.shares.copied : text.shares.copy}
        </button>
      </div>
      <pre class="paste">{value}</pre>
    </div>
  );
}

const kGib = 1024 ** 3;

export function QuotaDialog({
  account,
  onClose,
  onChanged,
}: {
  account: ShareAccount;
  onClose: () => void;
  onChanged: () => void;
}) {
  const [size, setSize] = useState(account.quota_bytes === null ? '' : String(account.quota_bytes / kGib));
  const change = useAction(async () => {
    const quota = size.trim() === '' ? null : Math.round(Number(size.replace(',', '.')) * kGib);
    await call('changeShareSettings', { path: { name: account.host }, body: { quota_bytes: quota } });
    onClose();
    onChanged();
  });
  return (
    <Dialog
      title={text.shares.quotaTitle(account.host)}
      action={text.shares.quotaAction}
      busy={change.busy}
      problem={change.problem}
      onSubmit={() => void change.run()}
      onClose={onClose}
    >
      <p class="muted">{text.shares.quotaNote}</p>
      <TextField
        label={text.shares.quotaSize}
        hint={text.shares.quotaHint}
        value={size}
        onChange={setSize}
        pattern="[0-9]+([.,][0-9]+)?"
        maxLength={12}
      />
    </Dialog>
  );
}
