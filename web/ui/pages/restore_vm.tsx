// A whole machine back: which host, beside the original or in its place, where its files lie, which network. What it
// would meet is shown first; only then the button is live.
import { useState } from 'preact/hooks';
import { call, kAll } from '../api';
import type { Host, Point, RestoreVmRequest, Share, VmRestorePreflight } from '../generated/api';
import { Empty, Loaded, PageHead, ProblemBox } from '../parts/basics';
import { CheckField, RadioField, SelectField, TextField } from '../parts/forms';
import { AllowedPage } from '../parts/not_allowed';
import { PointSummary } from '../parts/point_summary';
import { CheckThenStart, Preflight, SwitchChoices } from '../parts/preflight';
import { RestoreWays } from '../parts/restore_ways';
import { useAction, useResource } from '../resource';
import { go, href } from '../router';
import { text } from '../text';

type Identity = 'copy' | 'same';
type Network = 'off' | 'same' | 'choose';
type Data = { point: Point; hosts: Host[]; shares: Share[] };

export function RestoreVm({ id }: { id: string }) {
  return (
    <>
      <PageHead title={text.restoreVm.title} />
      <AllowedPage to="startVmRestore" what={text.restoreVm.notAllowed}>
        <RestoreOfPoint id={id} />
      </AllowedPage>
    </>
  );
}

function RestoreOfPoint({ id }: { id: string }) {
  const data = useResource(
    async (signal): Promise<Data> => {
      const [point, hosts, shares] = await Promise.all([
        call('getPoint', { path: { id }, signal }),
        call('listHosts', { query: kAll, signal }),
        call('listShares', { query: kAll, signal }),
      ]);
      return { point, hosts: hosts.hosts, shares: shares.shares };
    },
    [id],
  );
  return (
    <>
      <RestoreWays point={id} current="machine" />
      <Loaded resource={data}>
        {(loaded) =>
          loaded.hosts.length === 0 ? (
            <Empty title={text.restoreVm.noHosts}>
              <a class="button" href={href('hosts')}>
                {text.hosts.title}
              </a>
            </Empty>
          ) : (
            <Form {...loaded} />
          )
        }
      </Loaded>
    </>
  );
}

/// The share that a host exports to: where a restore of it goes unless somebody says otherwise.
function shareOf(host: Host | undefined, shares: Share[]): string {
  const named = shares.find((share) => share.name === host?.share);
  return (named ?? (shares.length === 1 ? shares[0] : undefined))?.unc ?? '';
}

function Form({ point, hosts, shares }: Data) {
  const original = hosts.find((host) => host.name === point.vm.host) ?? hosts[0];
  const [host, setHost] = useState(original?.name ?? '');
  const [identity, setIdentity] = useState<Identity>('copy');
  const [to, setTo] = useState(shareOf(original, shares));
  const [name, setName] = useState('');
  const [network, setNetwork] = useState<Network>('off');
  const [switches, setSwitches] = useState<Record<string, string>>({});
  const [keepsMac, setKeepsMac] = useState(false);
  const [starts, setStarts] = useState(false);
  const [checked, setChecked] = useState<{ request: string; answer: VmRestorePreflight } | null>(null);

  const request: RestoreVmRequest = {
    point: point.id,
    host,
    to: to.trim(),
    keep_id: identity === 'same',
    start: starts,
    connect: network === 'same',
    keep_mac: identity === 'copy' && keepsMac,
    switches:
      network === 'choose' ? Object.entries(switches).flatMap(([from, wanted]) => (wanted ? [{ from, to: wanted }] : [])) : [],
    ...(name.trim() ? { name: name.trim() } : {}),
  };
  const asked = JSON.stringify(request);
  // An answer to other questions is shown no longer.
  const preflight = checked?.request === asked ? checked.answer : null;
  const check = useAction(async () => setChecked({ request: asked, answer: await call('checkVmRestore', { body: request }) }));
  const start = useAction(async () => {
    const { job } = await call('startVmRestore', { body: request });
    go('jobs', job.id);
  });
  const canStart = preflight?.can_start === true;
  const chooseHost = (wanted: string) => {
    const before = shareOf(hosts.find((entry) => entry.name === host), shares);
    if (to === before) setTo(shareOf(hosts.find((entry) => entry.name === wanted), shares));
    setHost(wanted);
  };
  return (
    <form
      class="panel narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void (canStart ? start.run() : check.run());
      }}
    >
      <PointSummary point={point} />
      <SelectField
        label={text.restoreVm.host}
        value={host}
        onChange={chooseHost}
        choices={hosts.map((entry) => ({ value: entry.name, label: entry.name }))}
      />
      <RadioField<Identity>
        label={text.restoreVm.identity}
        value={identity}
        onChange={setIdentity}
        choices={[
          { value: 'copy', label: text.restoreVm.copy, hint: text.restoreVm.copyHint },
          { value: 'same', label: text.restoreVm.same, hint: text.restoreVm.sameHint },
        ]}
      />
      <TextField label={text.restoreVm.to} hint={text.restoreVm.toHint} value={to} onChange={setTo} required maxLength={150} />
      <TextField label={text.restoreVm.name} hint={text.restoreVm.nameHint} value={name} onChange={setName} maxLength={100} />
      <RadioField<Network>
        label={text.restoreVm.network}
        value={network}
        onChange={setNetwork}
        choices={[
          { value: 'off', label: text.restoreVm.networkOff, hint: text.restoreVm.networkOffHint },
          { value: 'same', label: text.restoreVm.networkSame },
          { value: 'choose', label: text.restoreVm.networkChoose },
        ]}
      />
      {network === 'choose' && <SwitchChoices preflight={checked?.answer ?? null} chosen={switches} onChange={setSwitches} />}
      {identity === 'copy' && (
        <CheckField label={text.restoreVm.keepMac} hint={text.restoreVm.keepMacHint} checked={keepsMac} onChange={setKeepsMac} />
      )}
      <CheckField label={text.restoreVm.starts} hint={text.restoreVm.startsHint} checked={starts} onChange={setStarts} />
      {preflight !== null && (
        <Preflight
          answer={preflight}
          verdict={preflight.can_start ? text.preflight.vmCanStart(preflight.name, preflight.host) : text.preflight.cannotStart}
        />
      )}
      <ProblemBox problem={start.problem ?? check.problem} />
      <CheckThenStart check={check} start={start} canStart={canStart} action={text.restoreVm.start} checking={text.restoreVm.checking} />
    </form>
  );
}
