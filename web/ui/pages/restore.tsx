// A disk back: which machine, which moment, which disk, and where to. One question at a time.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Point, RestoreDiskRequest } from '../generated/api';
import { Badge, Loaded, PageHead, ProblemBox, VerifiedBadge, When } from '../parts/basics';
import { MachineChoice, MomentChoice } from '../parts/choice';
import { RadioField, SelectField, TextField } from '../parts/forms';
import { useAction, useResource } from '../resource';
import { go, href, restoreHref, vmHref } from '../router';
import { text } from '../text';

type Format = NonNullable<RestoreDiskRequest['format']>;
const kFormats = Object.keys(text.restore.formats) as Format[];
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
      {point !== undefined ? (
        <Target id={point} />
      ) : vm !== null ? (
        <MomentChoice vm={vm} host={host} hrefOf={(id) => href('restore', id)} again={href('restore')} />
      ) : (
        <MachineChoice hrefOf={restoreHref} none={text.restore.noVms} />
      )}
    </>
  );
}

function Target({ id }: { id: string }) {
  const data = useResource(
    (signal) => Promise.all([call('getPoint', { path: { id }, signal }), call('getInfo', { signal })]),
    [id],
  );
  return <Loaded resource={data}>{([point, info]) => <TargetForm point={point} directory={info.restore_directory} />}</Loaded>;
}

/// `directory` is the only one on the appliance that disks are restored into over the network.
function TargetForm({ point, directory }: { point: Point; directory: string }) {
  const [disk, setDisk] = useState(String(point.disks[0]?.index ?? 0));
  const [form, setForm] = useState<Format>('vhdx');
  const [path, setPath] = useState('');
  const start = useAction(async () => {
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
      <p class="summary">
        <a href={vmHref(point.vm)}>
          <strong>{point.vm.name}</strong>
        </a>{' '}
        <When time={point.time} /> <VerifiedBadge point={point} />
        <a class="change" href={restoreHref(point.vm)}>
          {text.restore.change}
        </a>
        <a class="change" href={href('restore-vm', point.id)}>
          {text.restore.machineInstead}
        </a>
      </p>
      {point.has_known_damage && (
        <div class="notice bad">
          <p>{text.restore.damaged}</p>
        </div>
      )}
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
      {point.skipped.length > 0 && (
        <p>
          <Badge tone="warning">{text.point.skipped}</Badge>{' '}
          {point.skipped.map((entry) => `${entry.name} (${entry.reason})`).join(', ')}
        </p>
      )}
      <SelectField
        label={text.restore.format}
        value={form}
        onChange={setForm}
        choices={kFormats.map((value) => ({ value, label: text.restore.formats[value] ?? value }))}
      />
      <TextField
        label={text.restore.to}
        hint={`${text.restore.toHint} ${directory}/${safeName}-${disk}.${kExtensions[form]}`}
        value={path}
        onChange={setPath}
        required
        pattern="/.*"
        maxLength={4096}
      />
      <ProblemBox problem={start.problem} />
      <p class="actions">
        <button type="submit" class="primary" disabled={start.busy}>
          {text.restore.start}
        </button>
      </p>
    </form>
  );
}
