import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

type Line = {
  name: string;
  values: number[];
  format: (value: number) => string;
  /** Shorter, for the axis. */
  tick?: (value: number) => string;
  axis: "left" | "right";
  tone?: "danger";
};

type Props = { label: string; moments: string[]; lines: Line[]; hourly: boolean; timeZone: string };

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const HEIGHT = 260;
const WHOLE = [1, 2, 5]
  .flatMap((one) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((zeros) => one * 10 ** zeros))
  .sort((a, b) => a - b);
const short = new Intl.NumberFormat(undefined, { notation: "compact" });

/** As wide as its longest label, which no axis cuts. uPlot asks again until nothing changes. */
function fitting(plot: uPlot, labels: string[] | null, index: number, cycle: number): number {
  const axis = plot.axes[index] as uPlot.Axis & { _size: number };
  if (cycle > 1) return axis._size;
  plot.ctx.font = Array.isArray(axis.font) ? axis.font[0] : (axis.font ?? plot.ctx.font);
  const longest = Math.max(0, ...(labels ?? []).map((label) => plot.ctx.measureText(label).width));
  return Math.ceil(longest / uPlot.pxRatio + (axis.ticks?.size ?? 0) + (axis.gap ?? 0) + 4);
}

/** Lines over time. The table that screen readers get says the same. */
export default function Chart({ label, moments, lines, hourly, timeZone }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const node = holder.current;
    if (!node) return;
    const draw = () => plot(node, moments, lines, hourly, timeZone);
    let shown = draw();
    const resized = new ResizeObserver(() => shown.setSize({ width: node.clientWidth, height: HEIGHT }));
    resized.observe(node);
    // Colours are those of the theme, which may change while the chart is shown.
    const themed = new MutationObserver(() => {
      shown.destroy();
      shown = draw();
    });
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      shown.destroy();
    };
  }, [moments, lines, hourly, timeZone]);
  const day = new Intl.DateTimeFormat(
    undefined,
    hourly ? { dateStyle: "medium", timeStyle: "short", timeZone } : { dateStyle: "medium", timeZone },
  );
  return (
    <figure aria-label={label} className="min-w-0">
      <div ref={holder} aria-hidden className="min-h-[300px] w-full min-w-0 overflow-hidden" />
      <table className="sr-only">
        <caption>{label}</caption>
        <thead>
          <tr>
            <th>Time</th>
            {lines.map((line) => (
              <th key={line.name}>{line.name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {moments.map((moment, index) => (
            <tr key={moment}>
              <th>{day.format(new Date(moment))}</th>
              {lines.map((line) => (
                <td key={line.name}>{line.format(line.values[index] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function plot(node: HTMLElement, moments: string[], lines: Line[], hourly: boolean, timeZone: string): uPlot {
  const [text, grid] = [colour("--subtle"), colour("--border")];
  const strokes = [colour("--primary"), colour("--info")];
  const left = lines.find((line) => line.axis === "left");
  const axis = {
    stroke: text,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: "12px system-ui",
  };
  const seconds = moments.map((each) => new Date(each).getTime() / 1_000);
  const moment = new Intl.DateTimeFormat(
    undefined,
    hourly ? { hour: "2-digit", minute: "2-digit", timeZone } : { month: "short", day: "numeric", timeZone },
  );
  return new uPlot(
    {
      width: node.clientWidth,
      height: HEIGHT,
      cursor: { drag: { x: false, y: false } },
      legend: { live: true },
      scales: {
        x: { time: true },
        right: { range: (_plot, _least, most) => [0, Math.max(4, most ?? 0)] },
        y: { range: (_plot, _least, most) => [0, most || 1] },
      },
      axes: [
        {
          ...axis,
          space: 70,
          incrs: (hourly ? [1, 2, 3, 6, 12, 24] : [24, 48, 96, 168, 336]).map((hours) => hours * 3_600),
          splits: (_plot, _axis, _least, _most, step) =>
            seconds.filter(
              (_second, index) =>
                index % Math.max(1, Math.round(step / ((seconds[1] ?? 0) - (seconds[0] ?? 0) || 1))) === 0,
            ),
          values: (_plot, ticks) => ticks.map((tick) => moment.format(tick * 1_000)),
        },
        {
          ...axis,
          size: fitting,
          values: (_plot, ticks) => ticks.map((tick) => (left?.tick ?? left?.format ?? String)(tick)),
        },
        {
          ...axis,
          scale: "right",
          side: 1,
          grid: { show: false },
          // They count payments, of which there are no halves.
          incrs: WHOLE,
          values: (_plot, ticks) => ticks.map((tick) => short.format(tick)),
          size: fitting,
        },
      ],
      series: [
        { value: (_plot, second) => (second === null ? "–" : moment.format(second * 1_000)) },
        ...lines.map((line, index) => ({
          label: line.name,
          scale: line.axis === "left" ? "y" : "right",
          stroke: line.tone === "danger" ? colour("--danger") : strokes[index % strokes.length]!,
          ...(index === 0 ? { fill: `color-mix(in srgb, ${strokes[0]} 14%, transparent)` } : {}),
          width: 2,
          points: { show: moments.length <= 40, size: 5 },
          value: (_plot: uPlot, value: number | null) => (value === null ? "–" : line.format(value)),
        })),
      ],
    },
    [seconds, ...lines.map((line) => line.values)],
    node,
  );
}
