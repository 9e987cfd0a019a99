"""The parameters of the spot assets: what BTC, ETH and SOL are like in the synthetic market.

Estimated from daily bars of 2019-01 to 2023-06 (SOL from 2020-04).  They describe; they are not
fitted path by path, and nothing was chosen so that a strategy would look good.  Triples are
(bull, bear, sideways), as `Regime` counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Triple: TypeAlias = tuple[float, float, float]
Matrix: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetParameters:
    """What one asset does of its own.

    Attributes:
        name: Prefix of its columns.
        open_usd: Price at which the first bar opens, USD, > 0.
        drift: Mean log return by regime, per day.
        volatility: Median standard deviation of log returns by regime, per day, > 0.
        log_volatility_sd: Long-run standard deviation of the log of volatility.
        nu: Degrees of freedom of its t shocks, > 2 and >= `SpotParameters.nu_common`.
        crash_beta: How much of a common jump it takes, a factor.
        jumps_per_year: Its own jumps, >= 0.
        jump_sd: Standard deviation of its own jumps, log return.
        wick_high: Mean of log(high / max(open, close)), in daily volatilities.
        wick_low: Mean of log(min(open, close) / low), in daily volatilities.
        volume_usd: Median volume, USD a day.  A round number near what venues reported, and part
            of what they report is washed: use it for its shape, not as a capacity.
        volume_sd: Standard deviation of log volume.
        volume_phi: Share of yesterday's log volume that remains.
        volume_coupling: Correlation of a volume shock with the size of the day's return in daily
            volatilities, in [0, 1].  Volume then correlates with the absolute return by about .27,
            .31, .36 (BTC, ETH, SOL); the record has .34, .37, .45.
    """

    name: str
    open_usd: float
    drift: Triple
    volatility: Triple
    log_volatility_sd: float
    nu: float
    crash_beta: float
    jumps_per_year: float
    jump_sd: float
    wick_high: float
    wick_low: float
    volume_usd: float
    volume_sd: float
    volume_phi: float
    volume_coupling: float


BTC = AssetParameters(
    name="BTC",
    open_usd=7_200.0,
    drift=(0.0047, -0.0033, 0.0007),
    volatility=(0.0270, 0.0335, 0.0245),
    log_volatility_sd=0.43,
    nu=4.0,
    crash_beta=1.0,
    jumps_per_year=0.5,
    jump_sd=0.06,
    wick_high=0.255,
    wick_low=0.324,
    volume_usd=25e9,
    volume_sd=0.38,
    volume_phi=0.78,
    volume_coupling=0.54,
)

ETH = AssetParameters(
    name="ETH",
    open_usd=130.0,
    drift=(0.0054, -0.0035, 0.0007),
    volatility=(0.0345, 0.0425, 0.0325),
    log_volatility_sd=0.40,
    nu=4.5,
    crash_beta=1.2,
    jumps_per_year=0.8,
    jump_sd=0.08,
    wick_high=0.242,
    wick_low=0.326,
    volume_usd=12e9,
    volume_sd=0.40,
    volume_phi=0.80,
    volume_coupling=0.62,
)

SOL = AssetParameters(
    name="SOL",
    open_usd=20.0,
    drift=(0.0076, -0.0044, 0.0012),
    volatility=(0.0560, 0.0580, 0.0520),
    log_volatility_sd=0.45,
    nu=5.0,
    crash_beta=1.25,
    jumps_per_year=2.0,
    jump_sd=0.16,
    wick_high=0.331,
    wick_low=0.352,
    volume_usd=1e9,
    volume_sd=0.83,
    volume_phi=0.87,
    volume_coupling=0.91,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotParameters:
    """What the assets do together.  An asset that is added last changes none before it.

    Attributes:
        assets: In the order of the rows and columns of `correlation`.
        correlation: Of the shocks, one symmetric matrix (assets, assets) for each regime.
        volatility_phi: Share of yesterday's log volatility that remains.
        volatility_loading: Correlation of each log volatility with the one they share.
        nu_common: Degrees of freedom of the tail that the assets share, > 2.
        tails_together: Share of days on which they share it, in [0, 1].
        autocorrelation: Share of yesterday's log return that returns today.
        crashes_per_year: Common jumps, >= 0.
        crash_mean: Mean of a common jump, log return.
        crash_sd: Its standard deviation.
        return_min: No log return is smaller.
        return_max: No log return is larger.
    """

    assets: tuple[AssetParameters, ...] = (BTC, ETH, SOL)
    correlation: tuple[Matrix, Matrix, Matrix] = (
        ((1.0, 0.85, 0.58), (0.85, 1.0, 0.65), (0.58, 0.65, 1.0)),
        ((1.0, 0.90, 0.74), (0.90, 1.0, 0.80), (0.74, 0.80, 1.0)),
        ((1.0, 0.86, 0.64), (0.86, 1.0, 0.70), (0.64, 0.70, 1.0)),
    )
    volatility_phi: float = 0.95
    volatility_loading: float = 0.8
    nu_common: float = 4.0
    tails_together: float = 0.92
    autocorrelation: float = -0.04
    crashes_per_year: float = 1.0
    crash_mean: float = -0.12
    crash_sd: float = 0.09
    return_min: float = -0.60
    return_max: float = 0.45


SPOT = SpotParameters()
"""The three assets as they were estimated."""
