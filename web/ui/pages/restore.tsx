// A way back: which machine, which moment; then a disk of it, downloaded or written on the appliance.
import { useState } from 'preact/hooks';
import { addressOf, call, may, save } from '../api';
import * as format from '../format';
import type { Info, Point, RestoreDiskRequest } from '../generated/api';
import { Badge, Loaded, PageHead, ProblemBox, VerifiedBadge, When } from '../parts/basics';
import { MachineChoice, MomentChoice } from '../parts/choice';
import { RadioField, SelectField, TextField } from '../parts/forms';
import { AllowedPage } from '../parts/not_allowed';
import { RestoreWays } from '../parts/restore_ways';
import { useAction, useResource } from '../resource';
import { go, href, restoreHref, vmHref } from '../router';
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
  const [form, setForm] = useState<Format>('vhdx');
  const [path, setPath] = useState('');
  const [started, setStarted] = useState(false);
  const isDownload = target === 'download';
  const formats: readonly Format[] = isDownload ? kStreamed : kFormats;
  const start = useAction(async () => {
    if (isDownload) {
      // What the appliance would refuse is read here, and not in a file of some bytes.
      await call('getPoint', { path: { id: point.id } });
      save(addressOf('downloadDiskImage', { path: { id: point.id, disk }, query: { format: form as Streamed } }));
      return setStarted(true);
    }
    const { job } = await call('startDiskRestore', { body: { point: point.id, disk, to: path, format: form } });
    go('jobs', job.id);
  });
  const safeName = point.vm.name.replace(/[^\w.-]+/g, '_');
  return (
    <form
      class="panel narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void start.run();
      }}
    >
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
          onChange={(wanted) => {
            setTarget(wanted);
            if (wanted === 'download' && !kStreamed.some((streamed) => streamed === form)) setForm('vhdx');
          }}
          choices={[
            { value: 'download', label: text.restore.download, hint: text.restore.downloadHint },
            { value: 'appliance', label: text.restore.onAppliance, hint: text.restore.onApplianceHint(info.restore_directory) },
          ]}
        />
      )}
      <SelectField
        label={text.restore.format}
        value={form}
        onChange={setForm}
        choices={formats.map((value) => ({ value, label: text.restore.formats[value] ?? value }))}
      />
      {!isDownload && (
        <TextField
          label={text.restore.to}
          hint={`${text.restore.toHint} ${info.restore_directory}/${safeName}-${disk}.${kExtensions[form]}`}
          value={path}
          onChange={setPath}
          required
          pattern="/.*"
          maxLength={4096}
        />
      )}
      <ProblemBox problem={start.problem} />
      <p class="actions">
        <button type="submit" class="primary" disabled={start.busy}>
          {isDownload ? text.restore.downloadAction : text.restore.start}
        </button>
      </p>
      {isDownload && started && (
        <p class="muted" role="status">
          {text.restore.downloadStarted}
        </p>
      )}
    </form>
  );
}

function PointSummary({ point }: { point: Point }) {
  return (
    <>
      <p class="summary">
        <a href={vmHref(point.vm)}>
          <strong>{point.vm.name}</strong>
        </a>{' '}
        <When time={point.time} /> <VerifiedBadge point={point} />
        <a class="change" href={restoreHref(point.vm)}>
          {text.restore.change}
        </a>
      </p>
      {point.has_known_damage && (
        <div class="notice bad">
          <p>{text.restore.damaged}</p>
        </div>
      )}
      {point.skipped.length > 0 && (
        <p>
          <Badge tone="warning">{text.point.skipped}</Badge>{' '}
          {point.skipped.map((entry) => `${entry.name} (${entry.reason})`).join(', ')}
        </p>
      )}
    </>
  );
}
