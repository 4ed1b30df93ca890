// A host: address, login, and how its certificate is trusted; to add one, or to change one.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { ChangeHostRequest, Host, HostRequest, Share } from '../generated/api';
import { useAction } from '../resource';
import { text } from '../text';
import { CheckField, Dialog, SelectField, TextField } from './forms';

type Auth = HostRequest['auth'];
type Trust = 'system' | 'pin' | 'ca';

/// What stands in the fields.
type Draft = {
  name: string;
  url: string;
  auth: Auth;
  user: string;
  password: string;
  trust: Trust;
  pin: string;
  ca: string;
  share: string;
  spn: string;
  certificate: string;
  key: string;
  encryption: boolean;
};

const kEmpty: Draft = {
  name: '', url: '', auth: 'negotiate', user: '', password: '', trust: 'system', pin: '', ca: '', share: '', spn: '', certificate: '', key: '', encryption: false,
};

const mayUseKerberos = (auth: Auth) => auth === 'kerberos' || auth === 'negotiate';
const canEncrypt = (auth: Auth) => mayUseKerberos(auth) || auth === 'ntlm';
const plainPin = (pin: string) => pin.replace(/[\s:]/g, '').toLowerCase();

function draftOf(host: Host): Draft {
  return {
    ...kEmpty,
    name: host.name,
    url: host.url,
    auth: host.auth,
    user: host.user,
    trust: host.pin ? 'pin' : host.has_ca ? 'ca' : 'system',
    pin: host.pin ?? '',
    share: host.share ?? '',
    spn: host.spn ?? '',
    encryption: host.message_encryption ?? false,
  };
}

function secretOf({ auth, password, certificate, key }: Draft): Pick<HostRequest, 'password' | 'certificate' | 'key'> {
  if (auth === 'certificate') return certificate || key ? { certificate, key } : {};
  return password ? { password } : {};
}

function requestOf(draft: Draft): HostRequest {
  const { name, url, auth, user, spn, share } = draft;
  return {
    name,
    url,
    auth,
    ...(user ? { user } : {}),
    ...secretOf(draft),
    ...(spn && mayUseKerberos(auth) ? { spn } : {}),
    ...(draft.encryption && canEncrypt(auth) ? { message_encryption: true } : {}),
    ...(share ? { share } : {}),
    ...(draft.trust === 'pin' ? { pin: plainPin(draft.pin) } : {}),
    ...(draft.trust === 'ca' ? { ca: draft.ca } : {}),
  };
}

/// What decides who gets the secret: with a change of it, the secret is given anew.
function loginChangeOf(draft: Draft, host: Host): ChangeHostRequest {
  const spn = mayUseKerberos(draft.auth) ? draft.spn : '';
  const encryption = draft.encryption && canEncrypt(draft.auth);
  const pin = draft.trust === 'pin' ? plainPin(draft.pin) : '';
  return {
    ...(draft.url !== host.url ? { url: draft.url } : {}),
    ...(draft.auth !== host.auth ? { auth: draft.auth } : {}),
    ...(draft.user !== host.user ? { user: draft.user } : {}),
    ...(spn !== (host.spn ?? '') ? { spn } : {}),
    ...(encryption !== (host.message_encryption ?? false) ? { message_encryption: encryption } : {}),
    ...(pin !== (host.pin ?? '') ? { pin } : {}),
    ...(draft.trust === 'ca' ? (draft.ca ? { ca: draft.ca } : {}) : host.has_ca ? { ca: '' } : {}),
  };
}

function changeOf(draft: Draft, host: Host): ChangeHostRequest {
  return {
    ...(draft.name !== host.name ? { name: draft.name } : {}),
    ...(draft.share !== (host.share ?? '') ? { share: draft.share } : {}),
    ...loginChangeOf(draft, host),
    ...secretOf(draft),
  };
}

type Properties = {
  /// The one that is changed; none: one is added.
  host?: Host;
  shares: Share[];
  onClose: () => void;
  /// With the name that it has now.
  onDone: (name: string) => void;
};

export function HostDialog({ host, shares, onClose, onDone }: Properties) {
  const [draft, setDraft] = useState<Draft>(host ? draftOf(host) : kEmpty);
  const needsSecret = host !== undefined && host.secret !== null && Object.keys(loginChangeOf(draft, host)).length > 0;
  const save = useAction(async () => {
    if (host) {
      const change = changeOf(draft, host);
      if (Object.keys(change).length > 0) await call('changeHost', { path: { name: host.name }, body: change });
    } else {
      await call('addHost', { body: requestOf(draft) });
    }
    onClose();
    onDone(draft.name);
  });
  return (
    <Dialog
      title={host ? text.hosts.changeTitle(host.name) : text.hosts.add}
      action={host ? text.hosts.changeAction : text.hosts.save}
      busy={save.busy}
      problem={save.problem}
      onSubmit={() => void save.run()}
      onClose={onClose}
    >
      <p class="muted">{host ? text.hosts.changeNote : text.hosts.addNote}</p>
      <Fields draft={draft} shares={shares} needsSecret={needsSecret} keepsCa={host?.has_ca === true} onChange={(part) => setDraft({ ...draft, ...part })} />
    </Dialog>
  );
}

type FieldsProperties = { draft: Draft; shares: Share[]; needsSecret: boolean; keepsCa: boolean; onChange: (part: Partial<Draft>) => void };

function Fields({ draft, shares, needsSecret, keepsCa, onChange }: FieldsProperties) {
  return (
    <>
      <TextField label={text.hosts.name} value={draft.name} onChange={(name) => onChange({ name })} required maxLength={64} />
      <TextField label={text.hosts.url} hint={text.hosts.urlHint} type="url" value={draft.url} onChange={(url) => onChange({ url })} required />
      <LoginFields draft={draft} needsSecret={needsSecret} onChange={onChange} />
      <SelectField
        label={text.hosts.trust}
        value={draft.trust}
        onChange={(trust) => onChange({ trust })}
        choices={[
          { value: 'system', label: text.hosts.trustSystem },
          { value: 'pin', label: text.hosts.trustPin },
          { value: 'ca', label: text.hosts.trustCa },
        ]}
      />
      {draft.trust === 'pin' && <TextField label={text.hosts.pin} value={draft.pin} onChange={(pin) => onChange({ pin })} required maxLength={128} />}
      {draft.trust === 'ca' && (
        <TextField
          label={text.hosts.ca}
          {...(keepsCa ? { hint: text.hosts.caKept } : {})}
          value={draft.ca}
          onChange={(ca) => onChange({ ca })}
          required={!keepsCa}
          lines={6}
          maxLength={65536}
        />
      )}
      {shares.length > 1 && (
        <SelectField
          label={text.hosts.share}
          value={draft.share}
          onChange={(share) => onChange({ share })}
          choices={[
            { value: '', label: text.hosts.shareDefault },
            ...shares.map((entry) => ({ value: entry.name, label: `${entry.name}: ${entry.unc}` })),
          ]}
        />
      )}
    </>
  );
}

function LoginFields({ draft, needsSecret, onChange }: Pick<FieldsProperties, 'draft' | 'needsSecret' | 'onChange'>) {
  const { auth } = draft;
  const isCertificate = auth === 'certificate';
  const secretHint = needsSecret ? { hint: text.hosts.secretAnew } : {};
  return (
    <>
      <SelectField
        label={text.hosts.auth}
        value={auth}
        onChange={(wanted) => onChange({ auth: wanted })}
        choices={(Object.keys(text.hosts.auths) as Auth[]).map((value) => ({ value, label: text.hosts.auths[value] }))}
      />
      <TextField label={text.hosts.user} hint={text.hosts.userHint} value={draft.user} onChange={(user) => onChange({ user })} maxLength={256} />
      {!isCertificate && (
        <TextField
          label={text.hosts.password}
          type="password"
          {...secretHint}
          value={draft.password}
          onChange={(password) => onChange({ password })}
          required={needsSecret}
        />
      )}
      {isCertificate && (
        <>
          <TextField
            label={text.hosts.clientCertificate}
            {...secretHint}
            value={draft.certificate}
            onChange={(certificate) => onChange({ certificate })}
            required={needsSecret}
            lines={4}
            maxLength={65536}
          />
          <TextField label={text.hosts.clientKey} value={draft.key} onChange={(key) => onChange({ key })} required={needsSecret} lines={4} maxLength={65536} />
        </>
      )}
      {mayUseKerberos(auth) && (
        <TextField label={text.hosts.spn} hint={text.hosts.spnHint} value={draft.spn} onChange={(spn) => onChange({ spn })} maxLength={2048} />
      )}
      {canEncrypt(auth) && (
        <CheckField
          label={text.hosts.encryption}
          hint={text.hosts.encryptionHint}
          checked={draft.encryption}
          onChange={(encryption) => onChange({ encryption })}
        />
      )}
    </>
  );
}
