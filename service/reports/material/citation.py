"""What to cite."""

CITATION = """@inproceedings{du2021frs,
  title     = {Distilling Object Detectors with Feature Richness},
  author    = {Du, Zhixing and Zhang, Rui and Chang, Ming and Zhang, Xishan and Liu, Shaoli and
               Chen, Tianshi and Chen, Yunji},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  year      = {2021}
}

@inproceedings{bolya2020tide,
  title     = {{TIDE}: A General Toolbox for Identifying Object Detection Errors},
  author    = {Bolya, Daniel and Foley, Sean and Hays, James and Hoffman, Judy},
  booktitle = {European Conference on Computer Vision},
  year      = {2020}
}

@inproceedings{lin2014coco,
  title     = {Microsoft {COCO}: Common Objects in Context},
  author    = {Lin, Tsung-Yi and Maire, Michael and Belongie, Serge and Hays, James and Perona, Pietro and
               Ramanan, Deva and Doll{\\'a}r, Piotr and Zitnick, C. Lawrence},
  booktitle = {European Conference on Computer Vision},
  year      = {2014}
}
"""
