// What is set: what an administrator changes here and holds at once, and what the configuration file decides.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Clock, Setting, SettingList } from '../generated/api';
import { Badge, Facts, Loaded, PageHead, Section, When } from '../parts/basics';
import { Command } from '../parts/command';
import { Confirm, Field } from '../parts/forms';
import { AllowedPage } from '../parts/not_allowed';
import { SpeedForm } from '../parts/speed_form';
import { Table } from '../parts/table';
import { useAction, useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';

const kDaySeconds = 86_400;
const kAgeDaysMax = 3_660;
const kRestart = 'systemctl restart entrepotd';

export function SettingsPage() {
  return (
    <>
      <PageHead title={text.settings.title} />
      <AllowedPage to="listSettings" what={text.settings.notAllowed}>
        <Settings />
      </AllowedPage>
    </>
  );
}

function Settings() {
  const settings = useResource((signal) => call('listSettings', { signal }), []);
  const clock = useResource((signal) => call('getClock', { signal }), []);
  return (
    <>
      <Loaded resource={settings}>
        {(list) => <SpeedForm settings={list.settings.filter((setting) => !setting.needs_restart)} onSaved={settings.reload} />}
      </Loaded>
      <Loaded resource={clock}>
        {(data) => (
          <>
            <MinimumAge clock={data} onChange={clock.reload} />
            <ClockState clock={data} onChange={clock.reload} />
          </>
        )}
      </Loaded>
      {settings.data && <FromFile list={settings.data} />}
      <Elsewhere />
    </>
  );
}

function MinimumAge({ clock, onChange }: { clock: Clock; onChange: () => void }) {
  const now = clock.minimum_age_seconds / kDaySeconds;
  const least = Math.floor(now) + 1;
  const [days, setDays] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const extend = useAction(async () => {
    await call('extendMinimumAge', { body: { minimum_age_seconds: Number(days) * kDaySeconds } });
    setAsking(false);
    setDays('');
    setSaved(true);
    onChange();
  });
  return (
    <Section title={text.settings.age} note={text.settings.ageNote}>
      <form
        class="panel narrow"
        onSubmit={(event) => {
          event.preventDefault();
          setSaved(false);
          setAsking(true);
        }}
      >
        <Facts rows={[[text.settings.ageNow, now === 0 ? text.settings.ageNone : text.settings.ageDays(String(Math.round(now * 10) / 10))]]} />
        {least <= kAgeDaysMax && (
          <>
            <Field label={text.settings.ageField} hint={text.settings.ageHint(least - 1)}>
              {(id, describedBy) => (
                <input
                  id={id}
                  type="number"
                  class="number"
                  required
                  min={least}
                  max={kAgeDaysMax}
                  step={1}
                  value={days}
                  aria-describedby={describedBy}
                  onInput={(event) => setDays(event.currentTarget.value)}
                />
              )}
            </Field>
            <p class="actions">
              <button type="submit">{text.settings.ageAction}</button>
              {isSaved && <span role="status">{text.settings.ageSaved}</span>}
            </p>
          </>
        )}
      </form>
      {isAsking && (
        <Confirm
          title={text.settings.ageTitle(Number(days))}
          note={text.settings.ageConfirm}
          action={text.settings.ageDo}
          danger
          busy={extend.busy}
          problem={extend.problem}
          onSubmit={() => void extend.run()}
          onClose={() => setAsking(false)}
        />
      )}
    </Section>
  );
}

function ClockState({ clock, onChange }: { clock: Clock; onChange: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const confirm = useAction(async () => {
    await call('confirmClock', { body: { clock: clock.clock } });
    setAsking(false);
    onChange();
  });
  return (
    <Section title={text.settings.clock} note={text.settings.clockNote}>
      <Facts
        rows={[
          [text.settings.repositoryTime, <When time={clock.time} />],
          [text.settings.machineTime, <When time={clock.clock} />],
        ]}
      />
      {clock.frozen === null ? (
        <p>{text.settings.clockFine}</p>
      ) : (
        <div class="notice warning">
          <p>
            <strong>{text.repository.frozen}</strong>: {clock.frozen}
          </p>
          <button type="button" onClick={() => setAsking(true)}>
            {text.settings.clockConfirm}
          </button>
        </div>
      )}
      {isAsking && (
        <Confirm
          title={text.settings.clockTitle}
          note={text.settings.clockConfirmNote(format.dateTime(clock.clock))}
          action={text.settings.clockDo}
          danger
          busy={confirm.busy}
          problem={confirm.problem}
          onSubmit={() => void confirm.run()}
          onClose={() => setAsking(false)}
        />
      )}
    </Section>
  );
}

function FromFile({ list }: { list: SettingList }) {
  return (
    <Section title={text.settings.file} note={text.settings.fileNote}>
      <Command command={kRestart} />
      <Facts rows={[[text.settings.fileIs, <code>{list.file}</code>]]} />
      {!list.has_file && <p class="muted">{text.settings.noFile}</p>}
      <Table<Setting>
        label={text.settings.table}
        isWhole
        rows={list.settings.filter((setting) => setting.needs_restart)}
        rowKey={(setting) => setting.name}
        columns={[
          {
            title: text.settings.setting,
            kind: 'main',
            cell: (setting) => (
              <>
                <code>{setting.name}</code>
                <span class="row-note">{setting.about}</span>
              </>
            ),
          },
          { title: text.settings.value, cell: (setting) => <SettingValue setting={setting} /> },
          {
            title: text.settings.source,
            cell: (setting) => (
              <span class="unbroken">
                <Badge tone={setting.source === 'default' ? 'quiet' : 'good'}>{text.settings.sources[setting.source]}</Badge>
              </span>
            ),
          },
        ]}
      />
    </Section>
  );
}

function SettingValue({ setting }: { setting: Setting }) {
  const shown = (value: string) => value || text.settings.empty;
  return (
    <>
      <span class="anywhere">{shown(setting.value)}</span>
      {setting.value !== setting.default && <span class="row-note">{text.settings.standard(shown(setting.default))}</span>}
    </>
  );
}

function Elsewhere() {
  return (
    <Section title={text.settings.elsewhere}>
      <ul class="plain">
        {Object.entries(text.settings.links).map(([page, words]) => (
          <li key={page}>
            <a href={href(page)}>{words}</a>
          </li>
        ))}
      </ul>
    </Section>
  );
}
