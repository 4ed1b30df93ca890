// The repository: how large, how much is saved, is it sound, and which keys open it.
import { call } from '../api';
import * as format from '../format';
import type { Info } from '../generated/api';
import { Facts, IfMay, Loaded, PageHead, Section } from '../parts/basics';
import { forecastWords, GrowthChart } from '../parts/growth_chart';
import { Keys } from '../parts/keys';
import { ProofAges } from '../parts/proof_ages';
import { RepositoryWork } from '../parts/repository_work';
import { useResource } from '../resource';
import { text } from '../text';

export function RepositoryPage() {
  const info = useResource((signal) => call('getInfo', { signal }), [], 'live');
  return (
    <>
      <PageHead title={text.repository.title} />
      <Loaded resource={info}>
        {(data) => (
          <>
            {data.deletion_frozen && (
              <div class="notice warning">
                <p>
                  <strong>{text.repository.frozen}</strong>: {data.deletion_frozen}. {text.repository.frozenHow}
                </p>
              </div>
            )}
            <Size info={data} />
            <Growing />
            <ProofAges />
            <RepositoryWork />
            {data.encrypted ? (
              <IfMay to="listKeys">
                <Keys />
              </IfMay>
            ) : (
              <div class="notice warning">
                <p>{text.repository.notEncrypted}</p>
              </div>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

function Size({ info }: { info: Info }) {
  const newestCopy = info.state_copies?.[0];
  const used = info.capacity_bytes != null && info.free_bytes != null ? info.capacity_bytes - info.free_bytes : null;
  return (
    <Section title={text.repository.size}>
      <div class="figures">
        <Figure name={text.repository.stored} value={format.bytes(info.stored_bytes)} />
        <Figure name={text.repository.logical} value={format.bytes(info.logical_bytes)} />
        <Figure name={text.repository.reduction} value={format.factor(info.logical_bytes, info.stored_bytes)} />
        <Figure name={text.repository.points} value={format.count(info.points)} />
      </div>
      {used !== null && info.capacity_bytes != null && info.free_bytes != null && (
        <div class="job-progress">
          <progress max={info.capacity_bytes} value={used} aria-label={text.repository.space} />
          <span class="muted">
            {text.repository.space}: {text.common.of(format.bytes(used), format.bytes(info.capacity_bytes))} ·{' '}
            {text.repository.free} {format.bytes(info.free_bytes)}
          </span>
        </div>
      )}
      <Facts
        rows={[
          [text.repository.unique, format.bytes(info.unique_bytes)],
          [text.repository.waste, format.bytes(info.waste_bytes ?? 0)],
          [
            text.repository.chunks,
            info.chunk_size_bytes
              ? `${format.count(info.chunks)} × ${format.bytes(info.chunk_size_bytes)}`
              : format.count(info.chunks),
          ],
          [text.repository.packs, format.count(info.packs)],
          [text.repository.encrypted, info.encrypted ? text.repository.encryptedYes : text.common.none],
          [
            text.repository.stateCopy,
            newestCopy ? format.dateTime(newestCopy.time) : text.common.none,
          ],
          [text.repository.damagedChunks, format.count(info.damaged_chunks ?? 0)],
          [
            text.repository.minimumAge,
            info.minimum_age_seconds ? format.duration(info.minimum_age_seconds) : text.common.none,
          ],
          [text.repository.format, info.format],
          ...(info.id ? [[text.repository.id, <code>{info.id}</code>] as [string, preact.ComponentChildren]] : []),
          [text.repository.version, info.version],
        ]}
      />
    </Section>
  );
}

function Growing() {
  const growth = useResource((signal) => call('getGrowth', { query: { days: 365 }, signal }), []);
  return (
    <Section title={text.growth.title}>
      <Loaded resource={growth}>
        {(data) => (
          <>
            <GrowthChart growth={data} />
            <p>
              {text.growth.forecast}: {forecastWords(data)}
            </p>
          </>
        )}
      </Loaded>
    </Section>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div class="figure">
      <span class="value">{value}</span>
      <span class="muted">{name}</span>
    </div>
  );
}
