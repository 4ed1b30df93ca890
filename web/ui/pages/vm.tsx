// One machine: is it protected, which disks, and its recovery points with all that can be done with them.
import { useState } from 'preact/hooks';
import { call, loadAllVms, may } from '../api';
import * as format from '../format';
import type { Vm, VmDisk } from '../generated/api';
import { Badge, Empty, Loaded, PageHead, Section } from '../parts/basics';
import { BackupDialog } from '../parts/backup_dialog';
import { Command } from '../parts/command';
import { Dialog, TextField } from '../parts/forms';
import { Points } from '../parts/points';
import { RunChart } from '../parts/run_chart';
import { Table } from '../parts/table';
import { useAction, useResource } from '../resource';
import { filesOfVmHref, href, restoreHref, vmHref } from '../router';
import { text } from '../text';
import { BackupButton, Protection } from './vms';

export function VmPage({ id, host }: { id: string; host: string | null }) {
  const vms = useResource(loadAllVms, [], 'live');
  return (
    <Loaded resource={vms}>
      {(rows) => {
        const found = rows.filter((vm) => vm.id === id && (host === null || vm.host === host));
        if (found.length > 1) return <Choice vms={found} />;
        return found[0] ? (
          <Machine key={found[0].host_id} vm={found[0]} onChange={vms.reload} />
        ) : (
          <Empty title={text.common.notFound}>
            <a href={href('vms')}>{text.vms.title}</a>
          </Empty>
        );
      }}
    </Loaded>
  );
}

/// An address without a host, and several hosts that know this GUID.
function Choice({ vms }: { vms: Vm[] }) {
  return (
    <>
      <PageHead title={text.vm.choice} above={<a href={href('vms')}>{text.vms.title}</a>} />
      <ul>
        {vms.map((vm) => (
          <li key={vm.host_id}>
            <a href={vmHref(vm)}>
              <strong>{vm.name}</strong>
            </a>{' '}
            {vm.host ? text.vm.onHost(vm.host) : text.vms.ingested}
          </li>
        ))}
      </ul>
    </>
  );
}

function Machine({ vm, onChange }: { vm: Vm; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <PageHead title={vm.name} above={<a href={href('vms')}>{text.vms.title}</a>}>
        {vm.points > 0 && may('downloadDiskImage') && (
          <a class="button" href={restoreHref(vm)}>
            {text.vm.restore}
          </a>
        )}
        {vm.points > 0 && may('listGuestVolumes') && (
          <a class="button" href={filesOfVmHref(vm)}>
            {text.files.browse}
          </a>
        )}
        {vm.host && <BackupButton vm={vm} onBackup={() => setAsking(true)} />}
      </PageHead>
      <p class="summary">
        <span>{text.vmStates[vm.state] ?? vm.state}</span>
        {vm.host && <span>{text.vm.onHost(vm.host)}</span>}
        {vm.protected ? <Badge tone="good">{text.vm.protectedBy(vm.policies.join(', '))}</Badge> : <Protection vm={vm} />}
        {vm.last_restore && (
          <a href={href('jobs', vm.last_restore.job)}>
            {text.vm.lastRestore} {format.relative(vm.last_restore.ended)}
          </a>
        )}
        {vm.next_run && <span class="muted">{text.vms.nextRun(format.relative(vm.next_run))}</span>}
      </p>
      <Problems vm={vm} />
      {vm.last_job?.error && (
        <div class="notice bad">
          <p>
            <strong>{vm.last_job.error.message}</strong>
          </p>
          {vm.last_job.error.hint && <p>{vm.last_job.error.hint}</p>}
          <p>
            <a href={href('jobs', vm.last_job.id)}>{text.overview.openJob}</a>
          </p>
        </div>
      )}
      <Points vm={vm} onChange={onChange} onBackup={vm.host && may('startBackups') ? () => setAsking(true) : null} />
      {vm.host && vm.last_job && (
        <Section title={text.runs.title}>
          <RunChart vm={vm} />
        </Section>
      )}
      <Section title={text.vm.disks}>
        {vm.disks.length === 0 ? (
          <p class="muted">{text.vm.noDisks}</p>
        ) : (
          <Table
            label={text.vm.disks}
            rows={vm.disks}
            rowKey={(disk) => disk.id}
            columns={[
              {
                title: text.vm.disk,
                kind: 'main',
                cell: (disk) => (
                  <>
                    {disk.index}: {disk.name}
                  </>
                ),
              },
              {
                title: text.vm.size,
                kind: 'number',
                cell: (disk) => (disk.size_bytes > 0 ? format.bytes(disk.size_bytes) : text.common.unknown),
              },
              { title: text.vm.backedUp, cell: (disk) => <DiskState disk={disk} /> },
              {
                title: text.vms.actions,
                kind: 'actions',
                cell: (disk) => <ExcludeButton vm={vm} disk={disk} onChange={onChange} />,
              },
            ]}
          />
        )}
      </Section>
      {asking && <BackupDialog target={vm} onClose={() => setAsking(false)} />}
    </>
  );
}

/// What is not as it should be; what was left on the host with the command that removes it.
function Problems({ vm }: { vm: Vm }) {
  if (vm.problems.length === 0) return null;
  const left = vm.residue.filter((entry) => entry.command !== null);
  return (
    <div class="notice warning">
      {vm.problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
      {left.length > 0 && <p>{text.vm.residueRun}</p>}
      {left.map((entry) => (
        <Command key={entry.text} command={entry.command!} />
      ))}
    </div>
  );
}

export function DiskState({ disk }: { disk: VmDisk }) {
  if (disk.cannot_back_up) return <Badge tone="bad">{text.vm.cannot(disk.cannot_back_up)}</Badge>;
  if (disk.excluded) return <Badge tone="quiet">{text.vm.excluded(disk.excluded)}</Badge>;
  return <>{text.vm.yes}</>;
}

function ExcludeButton({ vm, disk, onChange }: { vm: Vm; disk: VmDisk; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const exclude = useAction(async () => {
    await call('excludeDisk', { body: { vm: vm.id, host: vm.host, disk: disk.id, reason } });
    setAsking(false);
    onChange();
  });
  const include = useAction(async () => {
    await call('includeDisk', { query: { vm: vm.id, host: vm.host, disk: disk.id } });
    onChange();
  });
  if (disk.cannot_back_up || !vm.host || !may('excludeDisk')) return null;
  if (disk.excluded)
    return (
      <button type="button" disabled={include.busy} onClick={() => void include.run()}>
        {text.vm.include}
      </button>
    );
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        {text.vm.exclude}
      </button>
      {asking && (
        <Dialog
          title={text.vm.excludeTitle(disk.name)}
          action={text.vm.exclude}
          busy={exclude.busy}
          problem={exclude.problem}
          onSubmit={() => void exclude.run()}
          onClose={() => setAsking(false)}
        >
          <TextField label={text.vm.excludeReason} hint={text.vm.excludeNote} value={reason} onChange={setReason} required />
        </Dialog>
      )}
    </>
  );
}
