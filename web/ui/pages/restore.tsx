// A way back: which machine, which moment; then a disk of it, downloaded, or written on the appliance after a look at what
// that would meet.
import { useState } from 'preact/hooks';
import { addressOf, call, may, save } from '../api';
import * as format from '../format';
import type { DiskRestorePreflight, Info, Point, RestoreDiskRequest } from '../generated/api';
import { Loaded, PageHead, ProblemBox } from '../parts/basics';
import { MachineChoice, MomentChoice } from '../parts/choice';
import { RadioField, SelectField, TextField } from '../parts/forms';
import { AllowedPage } from '../parts/not_allowed';
import { PointSummary } from '../parts/point_summary';
import { CheckThenStart, Preflight } from '../parts/preflight';
import { RestoreWays } from '../parts/restore_ways';
import { useAction, useResource } from '../resource';
import { go, href, restoreHref } from '../router';
import { text } from '../text';

type Format = NonNullable<RestoreDiskRequest['format']>;
type Target = 'download' | 'appliance';
const kFormats = Object.keys(text.restore.formats) as Format[];
const kStreamed = ['vhdx', 'raw', 'qcow2'] as const;
type Streamed = (typeof kStreamed)[number];
const kExtensions: Record<Format, string> = {
  vhdx: 'vhdx',
  'vhdx-fixed': 'vhdx',
  vhd: 'vhd',
  'vhd-fixed': 'vhd',
  raw: 'img',
  qcow2: 'qcow2',
};

export function Restore({ point, vm, host }: { point?: string; vm: string | null; host: string | null }) {
  return (
    <>
      <PageHead title={text.restore.title} />
      <AllowedPage to="downloadDiskImage" what={text.restore.notAllowed}>
        {point !== undefined ? (
          <DiskOfPoint id={point} />
        ) : vm !== null ? (
          <MomentChoice
            vm={vm}
            host={host}
            hrefOf={(id) => href(may('startVmRestore') ? 'restore-vm' : 'restore', id)}
            again={href('restore')}
          />
        ) : (
          <MachineChoice hrefOf={restoreHref} none={text.restore.noVms} />
        )}
      </AllowedPage>
    </>
  );
}

function DiskOfPoint({ id }: { id: string }) {
  const data = useResource(
    (signal) => Promise.all([call('getPoint', { path: { id }, signal }), call('getInfo', { signal })]),
    [id],
  );
  return (
    <>
      <RestoreWays point={id} current="disk" />
      <Loaded resource={data}>{([point, info]) => <DiskForm point={point} info={info} />}</Loaded>
    </>
  );
}

function DiskForm({ point, info }: { point: Point; info: Info }) {
  const [disk, setDisk] = useState(String(point.disks[0]?.index ?? 0));
  const [target, setTarget] = useState<Target>('download');
  return (
    <section class="panel narrow">
      <PointSummary point={point} />
      <RadioField
        label={text.restore.pickDisk}
        value={disk}
        onChange={setDisk}
        choices={point.disks.map((entry) => ({
          value: String(entry.index),
          label: `${entry.index}: ${entry.name}`,
          hint: format.bytes(entry.virtual_size_bytes),
        }))}
      />
      {may('startDiskRestore') && (
        <RadioField<Target>
          label={text.restore.target}
          value={target}
          onChange={setTarget}
          choices={[
            { value: 'download', label: text.restore.download, hint: text.restore.downloadHint },
            { value: 'appliance', label: text.restore.onAppliance, hint: text.restore.onApplianceHint(info.restore_directory) },
          ]}
        />
      )}
      {target === 'download' ? (
        <DiskDownload point={point} disk={disk} />
      ) : (
        <DiskToFile point={point} disk={disk} directory={info.restore_directory} />
      )}
    </section>
  );
}

function FormatChoice<F extends Format>({ formats, value, onChange }: { formats: readonly F[]; value: F; onChange: (value: F) => void }) {
  const choices = formats.map((entry) => ({ value: entry, label: text.restore.formats[entry] ?? entry }));
  return <SelectField label={text.restore.format} value={value} onChange={onChange} choices={choices} />;
}

function DiskDownload({ point, disk }: { point: Point; disk: string }) {
  const [form, setForm] = useState<Streamed>('vhdx');
  const [started, setStarted] = useState(false);
  const start = useAction(async () => {
    // What the appliance would refuse is read here, and not in a file of some bytes.
    await call('getPoint', { path: { id: point.id } });
    save(addressOf('downloadDiskImage', { path: { id: point.id, disk }, query: { format: form } }));
    setStarted(true);
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void start.run();
      }}
    >
      <FormatChoice formats={kStreamed} value={form} onChange={setForm} />
      <ProblemBox problem={start.problem} />
      <p class="actions">
        <button type="submit" class="primary" disabled={start.busy}>
          {text.restore.downloadAction}
        </button>
      </p>
      {started && (
        <p class="muted" role="status">
          {text.restore.downloadStarted}
        </p>
      )}
    </form>
  );
}

/// The button is live after a check of just this file has found nothing in its way.
function DiskToFile({ point, disk, directory }: { point: Point; disk: string; directory: string }) {
  const safeName = point.vm.name.replace(/[^\w.-]+/g, '_');
  const [form, setForm] = useState<Format>('vhdx');
  const [path, setPath] = useState('');
  const [checked, setChecked] = useState<{ request: string; answer: DiskRestorePreflight } | null>(null);
  const request: RestoreDiskRequest = { point: point.id, disk, to: path.trim(), format: form };
  const asked = JSON.stringify(request);
  const preflight = checked?.request === asked ? checked.answer : null;
  const check = useAction(async () => setChecked({ request: asked, answer: await call('checkDiskRestore', { body: request }) }));
  const start = useAction(async () => {
    const { job } = await call('startDiskRestore', { body: request });
    go('jobs', job.id);
  });
  const canStart = preflight?.can_start === true;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void (canStart ? start.run() : check.run());
      }}
    >
      <FormatChoice formats={kFormats} value={form} onChange={setForm} />
      <TextField
        label={text.restore.to}
        hint={`${text.restore.toHint} ${directory}/${safeName}-${disk}.${kExtensions[form]}`}
        value={path}
        onChange={setPath}
        required
        pattern="/.*"
        maxLength={4096}
      />
      {preflight !== null && (
        <Preflight
          answer={preflight}
          verdict={preflight.can_start ? text.preflight.diskCanStart(preflight.to) : text.preflight.cannotStart}
        />
      )}
      <ProblemBox problem={start.problem ?? check.problem} />
      <CheckThenStart check={check} start={start} canStart={canStart} action={text.restore.start} checking={text.preflight.checking} />
    </form>
  );
}
