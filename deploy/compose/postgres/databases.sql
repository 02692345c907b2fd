-- A database each: history of runs, the lake's catalog, MLflow.
create database dagster;
create database lake;
create database mlflow;
