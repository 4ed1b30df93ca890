// Adding a host: address, login, and how its certificate is trusted.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { HostRequest, Share } from '../generated/api';
import { useAction } from '../resource';
import { text } from '../text';
import { CheckField, Dialog, SelectField, TextField } from './forms';

type Trust = 'system' | 'pin' | 'ca';

export function HostDialog({
  shares,
  onClose,
  onAdded,
}: {
  shares: Share[];
  onClose: () => void;
  onAdded: (name: string) => void;
}) {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [auth, setAuth] = useState<HostRequest['auth']>('negotiate');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [trust, setTrust] = useState<Trust>('system');
  const [pin, setPin] = useState('');
  const [ca, setCa] = useState('');
  const [share, setShare] = useState('');
  const [spn, setSpn] = useState('');
  const [certificate, setCertificate] = useState('');
  const [key, setKey] = useState('');
  const [encryption, setEncryption] = useState(false);
  const isCertificate = auth === 'certificate';
  const mayUseKerberos = auth === 'kerberos' || auth === 'negotiate';
  const canEncrypt = mayUseKerberos || auth === 'ntlm';
  const add = useAction(async () => {
    const body: HostRequest = {
      name,
      url,
      auth,
      ...(user ? { user } : {}),
      ...(password && !isCertificate ? { password } : {}),
      ...(isCertificate ? { certificate, key } : {}),
      ...(spn && mayUseKerberos ? { spn } : {}),
      ...(encryption && canEncrypt ? { message_encryption: true } : {}),
      ...(share ? { share } : {}),
    };
    if (trust === 'pin') body.pin = pin.replace(/[\s:]/g, '').toLowerCase();
    if (trust === 'ca') body.ca = ca;
    await call('addHost', { body });
    onClose();
    onAdded(name);
  });
  return (
    <Dialog
      title={text.hosts.add}
      action={text.hosts.save}
      busy={add.busy}
      problem={add.problem}
      onSubmit={() => void add.run()}
      onClose={onClose}
    >
      <p class="muted">{text.hosts.addNote}</p>
      <TextField label={text.hosts.name} value={name} onChange={setName} required maxLength={64} />
      <TextField label={text.hosts.url} hint={text.hosts.urlHint} type="url" value={url} onChange={setUrl} required />
      <SelectField
        label={text.hosts.auth}
        value={auth}
        onChange={setAuth}
        choices={[
          { value: 'negotiate', label: 'Negotiate' },
          { value: 'ntlm', label: 'NTLM' },
          { value: 'kerberos', label: 'Kerberos' },
          { value: 'basic', label: 'Basic' },
          { value: 'certificate', label: 'Certificate' },
        ]}
      />
      <TextField label={text.hosts.user} hint={text.hosts.userHint} value={user} onChange={setUser} maxLength={256} />
      {!isCertificate && <TextField label={text.hosts.password} type="password" value={password} onChange={setPassword} />}
      {isCertificate && (
        <TextField label={text.hosts.clientCertificate} value={certificate} onChange={setCertificate} required lines={4} maxLength={65536} />
      )}
      {isCertificate && <TextField label={text.hosts.clientKey} value={key} onChange={setKey} required lines={4} maxLength={65536} />}
      {mayUseKerberos && <TextField label={text.hosts.spn} hint={text.hosts.spnHint} value={spn} onChange={setSpn} maxLength={2048} />}
      {canEncrypt && (
        <CheckField label={text.hosts.encryption} hint={text.hosts.encryptionHint} checked={encryption} onChange={setEncryption} />
      )}
      <SelectField
        label={text.hosts.trust}
        value={trust}
        onChange={setTrust}
        choices={[
          { value: 'system', label: text.hosts.trustSystem },
          { value: 'pin', label: text.hosts.trustPin },
          { value: 'ca', label: text.hosts.trustCa },
        ]}
      />
      {trust === 'pin' && <TextField label={text.hosts.pin} value={pin} onChange={setPin} required maxLength={128} />}
      {trust === 'ca' && <TextField label={text.hosts.ca} value={ca} onChange={setCa} required lines={6} maxLength={65536} />}
      {shares.length > 1 && (
        <SelectField
          label={text.hosts.share}
          value={share}
          onChange={setShare}
          choices={[
            { value: '', label: text.hosts.shareDefault },
            ...shares.map((entry) => ({ value: entry.name, label: `${entry.name}: ${entry.unc}` })),
          ]}
        />
      )}
    </Dialog>
  );
}
