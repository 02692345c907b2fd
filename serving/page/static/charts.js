// Draws what stands in `data-chart` attributes. Charts are SVG, so print and zoom stay sharp; each
// has a description for screen readers. Nothing is read from elsewhere.
(() => {
  "use strict";
  const coloured = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const options = (data) => {
    const ink = coloured("--soft");
    const axis = {
      axisLabel: { color: ink },
      axisLine: { lineStyle: { color: ink } },
      splitLine: { lineStyle: { color: coloured("--line") } },
    };
    const base = {
      animation: false,
      aria: { enabled: true },
      color: [coloured("--accent"), "#d97706", "#7c3aed", "#0f766e"],
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis" },
      textStyle: { color: ink },
    };
    const value = { type: "value", ...axis };
    const named = { type: "category", data: data.x, ...axis };
    const bars = [{ type: "bar", name: data.name, data: data.y }];
    if (data.kind === "bar") return { ...base, xAxis: named, yAxis: value, series: bars };
    if (data.kind === "across") return { ...base, xAxis: value, yAxis: named, series: bars };
    if (data.kind === "line") {
      const line = { type: "line", name: data.name, showSymbol: false, data: data.points };
      return { ...base, xAxis: value, yAxis: value, series: [line] };
    }
    const series = Object.entries(data.series).map(([name, points]) => ({ type: "line", name, data: points }));
    return { ...base, legend: { top: 0, textStyle: { color: ink } }, xAxis: named, yAxis: { ...value, scale: true }, series };
  };

  const draw = (place) => {
    const old = echarts.getInstanceByDom(place);
    if (old) old.dispose();
    echarts.init(place, null, { renderer: "svg" }).setOption(options(JSON.parse(place.dataset.chart)));
  };
  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);

  addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:after:swap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("resize", () => document.querySelectorAll("[data-chart]").forEach((place) => {
    const chart = echarts.getInstanceByDom(place);
    if (chart) chart.resize();
  }));
})();
