// What can be done with a recovery point: restore, verify, protect, hold, release, delete.
import { useState } from 'preact/hooks';
import { call } from '../api';
import type { Point } from '../generated/api';
import * as format from '../format';
import { useAction } from '../resource';
import { filesHref, go, href } from '../router';
import { text } from '../text';
import { Badge, Facts, IfMay, ProblemBox } from './basics';
import { comparisonRows, DisagreementNotice } from './comparison';
import { Confirm, Dialog, TextField } from './forms';

type Question = 'protect' | 'hold' | 'remove';

export function PointActions({ point, onChange, onRemoved }: { point: Point; onChange: () => void; onRemoved: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = () => setQuestion(null);
  const verify = useAction(async () => {
    const { job } = await call('startVerification', { body: { points: [point.id], depth: 'data' } });
    go('jobs', job.id);
  });
  const release = useAction(async () => {
    await call('releasePoint', { path: { id: point.id } });
    onChange();
  });
  const remove = useAction(async () => {
    await call('deletePoint', { path: { id: point.id } });
    close();
    onRemoved();
  });
  return (
    <>
      <div class="actions">
        <IfMay to="startVmRestore">
          <a class="button primary" href={href('restore-vm', point.id)}>
            {text.point.restoreVm}
          </a>
        </IfMay>
        <IfMay to="downloadDiskImage">
          <a class="button" href={href('restore', point.id)}>
            {text.point.restore}
          </a>
        </IfMay>
        <IfMay to="listGuestVolumes">
          <a class="button" href={filesHref(point.id)}>
            {text.files.browse}
          </a>
        </IfMay>
        <IfMay to="startVerification">
          <button type="button" disabled={verify.busy} title={text.point.depthNote} onClick={() => void verify.run()}>
            {text.point.verify}
          </button>
        </IfMay>
        <IfMay to="protectPoint">
          <button type="button" onClick={() => setQuestion('protect')}>
            {text.point.protect}
          </button>
        </IfMay>
        {point.hold_reason !== null ? (
          <IfMay to="releasePoint">
            <button type="button" disabled={release.busy} onClick={() => void release.run()}>
              {text.point.release}
            </button>
          </IfMay>
        ) : (
          <IfMay to="holdPoint">
            <button type="button" onClick={() => setQuestion('hold')}>
              {text.point.holdAction}
            </button>
          </IfMay>
        )}
        <IfMay to="deletePoint">
          <button type="button" class="danger" onClick={() => setQuestion('remove')}>
            {text.point.remove}
          </button>
        </IfMay>
      </div>
      <ProblemBox problem={verify.problem ?? release.problem} />
      {question === 'protect' && <ProtectDialog point={point} onClose={close} onChange={onChange} />}
      {question === 'hold' && <HoldDialog point={point} onClose={close} onChange={onChange} />}
      {question === 'remove' && (
        <Confirm
          title={text.point.removeTitle}
          note={text.point.removeNote(format.dateTime(point.time), point.vm.name)}
          action={text.point.removeAction}
          danger
          busy={remove.busy}
          problem={remove.problem}
          onSubmit={() => void remove.run()}
          onClose={close}
        />
      )}
    </>
  );
}

type DialogProperties = { point: Point; onClose: () => void; onChange: () => void };

function ProtectDialog({ point, onClose, onChange }: DialogProperties) {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const earliest = point.protected_until ? point.protected_until.slice(0, 10) : tomorrow;
  const [until, setUntil] = useState(earliest);
  const action = useAction(async () => {
    await call('protectPoint', { path: { id: point.id }, body: { until: `${until}T23:59:59Z` } });
    onClose();
    onChange();
  });
  return (
    <Dialog
      title={text.point.protectTitle}
      action={text.point.protectAction}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <p class="muted">{text.point.protectNote}</p>
      <TextField label={text.point.protectUntil} type="date" value={until} min={earliest} onChange={setUntil} required />
    </Dialog>
  );
}

function HoldDialog({ point, onClose, onChange }: DialogProperties) {
  const [reason, setReason] = useState('');
  const action = useAction(async () => {
    await call('holdPoint', { path: { id: point.id }, body: { reason } });
    onClose();
    onChange();
  });
  return (
    <Dialog
      title={text.point.holdTitle}
      action={text.point.holdActionDo}
      busy={action.busy}
      problem={action.problem}
      onSubmit={() => void action.run()}
      onClose={onClose}
    >
      <p class="muted">{text.point.holdNote}</p>
      <TextField label={text.point.holdReason} value={reason} onChange={setReason} required />
    </Dialog>
  );
}

export function KeptBadges({ point }: { point: Point }) {
  const isProtected = point.protected_until !== null && Date.parse(point.protected_until) > Date.now();
  if (!isProtected && point.hold_reason === null) return <span class="muted">–</span>;
  return (
    <>
      {isProtected && <Badge tone="quiet">{text.point.protectedUntil(point.protected_until!.slice(0, 10))}</Badge>}
      {point.hold_reason !== null && <Badge tone="quiet">{text.point.hold(point.hold_reason)}</Badge>}
    </>
  );
}

export function consistencyName(consistency: Point['consistency']): string {
  return { unknown: text.point.unknownConsistency, application: text.point.application, crash: text.point.crash }[consistency];
}

export function changedBytes(point: Point): number {
  return point.disks.reduce((sum, disk) => sum + disk.changed_bytes, 0);
}

/// Disks, what is missing, and where the point comes from.
export function PointFacts({ point }: { point: Point }) {
  return (
    <>
      {point.has_known_damage && (
        <div class="notice bad">
          <p>{text.point.damage}</p>
        </div>
      )}
      <DisagreementNotice comparison={point.comparison} />
      <Facts
        rows={[
          ...comparisonRows(point.comparison),
          [text.point.id, <code>{point.id}</code>],
          [
            text.point.base,
            point.base_point ? (
              <a href={href('points', point.base_point)}>
                <code>{format.shortId(point.base_point)}</code>
              </a>
            ) : (
              '–'
            ),
          ],
          ...point.disks.map((disk): [string, preact.ComponentChildren] => [
            `${text.vm.disk} ${disk.index}: ${disk.name}`,
            <>
              {format.bytes(disk.virtual_size_bytes)}, {text.point.changed.toLowerCase()} {format.bytes(disk.changed_bytes)},{' '}
              {text.point.stored.toLowerCase()} {format.bytes(disk.new_stored_bytes)}
              {disk.sha256 && (
                <span class="row-note">
                  {text.point.sha} <code>{disk.sha256}</code>
                </span>
              )}
            </>,
          ]),
          [
            text.point.skipped,
            point.skipped.length === 0 ? (
              text.point.nothingSkipped
            ) : (
              <ul>
                {point.skipped.map((disk) => (
                  <li key={disk.name}>
                    {disk.name}: {disk.reason}
                  </li>
                ))}
              </ul>
            ),
          ],
        ]}
      />
    </>
  );
}
