"""Real scans: reading, cleaning, line integrals from counts, the centre of rotation, writing."""

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.center import CenterEstimate, axis_offset, find_center
from torch_radon.data.data_exchange import (
    DataExchangeFile,
    open_data_exchange,
    write_data_exchange,
)
from torch_radon.data.defects import Repaired, dead_pixels, remove_zingers, repair_dead
from torch_radon.data.errors import DataError
from torch_radon.data.opposite import find_center_opposite
from torch_radon.data.phase import paganin_filter, paganin_length, wavelength
from torch_radon.data.preprocess import LineIntegrals, attenuation, line_integrals, transmission
from torch_radon.data.readings import Readings
from torch_radon.data.regions import crop, rebin, rebinned_center
from torch_radon.data.sharpness import find_center_sharpest
from torch_radon.data.sources import ImageStack, open_stack, read_volume
from torch_radon.data.stack_scan import ScanSource, StackScan
from torch_radon.data.stripes import remove_stripes_sorting, remove_stripes_wavelet
from torch_radon.data.writers import VolumeWriter, open_writer

__all__ = [
    "Acquisition",
    "CenterEstimate",
    "DataError",
    "DataExchangeFile",
    "ImageStack",
    "LineIntegrals",
    "Readings",
    "Repaired",
    "ScanSource",
    "StackScan",
    "VolumeWriter",
    "attenuation",
    "axis_offset",
    "crop",
    "dead_pixels",
    "find_center",
    "find_center_opposite",
    "find_center_sharpest",
    "line_integrals",
    "open_data_exchange",
    "open_stack",
    "open_writer",
    "paganin_filter",
    "paganin_length",
    "read_volume",
    "rebin",
    "rebinned_center",
    "remove_stripes_sorting",
    "remove_stripes_wavelet",
    "remove_zingers",
    "repair_dead",
    "transmission",
    "wavelength",
    "write_data_exchange",
]
