"""Counts for Prometheus: vLLM's names where it has them, ours for media."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vlm.assistant import Decided, Finished

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
FAST = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The counts of one server. `model` labels those that vLLM labels with it."""

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        self._model = model
        self._prompt = self._counter("vllm:prompt_tokens", "Prompt tokens")
        self._cached = self._counter("vllm:prefix_cache_hits", "Prompt tokens from the cache")
        self._asked = self._counter("vllm:prefix_cache_queries", "Prompt tokens looked up")
        self._generated = self._counter("vllm:generation_tokens", "Generated tokens")
        self._success = Counter(
            "vllm:request_success",
            "Finished requests",
            ["model_name", "finished_reason"],
            registry=self.registry,
        )
        self._first = self._histogram("vllm:time_to_first_token_seconds", "First token", SECONDS)
        self._between = self._histogram("vllm:inter_token_latency_seconds", "Token gap", FAST)
        self._queued = self._histogram("vllm:request_queue_time_seconds", "Waiting", SECONDS)
        self._whole = self._histogram("vllm:e2e_request_latency_seconds", "Whole request", SECONDS)
        self._frames = self._counter("revisit:frames_decoded", "Frames and pictures decoded")
        self._visual = self._counter("revisit:visual_tokens", "Visual tokens in prompts")
        self._refused = Counter(
            "revisit:media_refused",
            "Media refused",
            ["model_name", "reason"],
            registry=self.registry,
        )
        self._errors = Counter(
            "revisit:request_errors",
            "Requests that ended with an error",
            ["model_name", "status"],
            registry=self.registry,
        )

    def watch(self, running: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Reads how many requests run and wait whenever the metrics are read."""
        for name, what, read in (
            ("vllm:num_requests_running", "Requests that are answered", running),
            ("vllm:num_requests_waiting", "Requests that wait", waiting),
        ):
            gauge = Gauge(name, what, ["model_name"], registry=self.registry)
            gauge.labels(self._model).set_function(read)

    def refused(self, reason: str) -> None:
        """Counts a medium that was not taken."""
        self._refused.labels(self._model, reason).inc()

    def error(self, status: int) -> None:
        """Counts a request that ended with an error."""
        self._errors.labels(self._model, str(status)).inc()

    def queued(self, seconds: float) -> None:
        """Counts the time a request waited."""
        self._queued.labels(self._model).observe(seconds)

    def finished(self, end: Finished | Decided, reason: str, seconds: float) -> None:
        """Counts an answer."""
        usage = end.usage
        for counter, number in (
            (self._prompt, usage.prompt_tokens),
            (self._asked, usage.prompt_tokens),
            (self._cached, usage.reused_tokens),
            (self._generated, usage.new_tokens),
            (self._visual, usage.visual_tokens),
        ):
            counter.labels(self._model).inc(number)
        if usage.decoded_files:
            frames = sum(len(seen.frames) for seen in end.seen)
            self._frames.labels(self._model).inc(frames)
        self._success.labels(self._model, reason).inc()
        self._whole.labels(self._model).observe(seconds)
        self._first.labels(self._model).observe(usage.seconds_to_first_token)
        if usage.tokens_per_second:
            self._between.labels(self._model).observe(1 / usage.tokens_per_second)

    def text(self) -> bytes:
        """Returns all counts in Prometheus' text form."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str) -> Counter:
        return Counter(name, what, ["model_name"], registry=self.registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, what, ["model_name"], registry=self.registry, buckets=buckets)
