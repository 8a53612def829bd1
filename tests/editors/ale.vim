" Vim with ALE: opens $FILE, types $TYPED at the end of line $LINE, asks at the cursor, and saves.

set encoding=utf-8 nomore nofixendofline
filetype on
let g:ale_linters = {'python': ['copilot']}
let g:ale_linters_explicit = 1
packadd ale
call ale#linter#Define('python', {
\   'name': 'copilot', 'lsp': 'stdio', 'executable': $PYTHON,
\   'command': '%e -m copilot_lib lsp', 'project_root': {-> getcwd()}})

let g:connected = 0
autocmd User ALELSPStarted let g:connected = 1
edit $FILE
ALELint
while !g:connected
  sleep 10m
endwhile

setlocal omnifunc=ale#completion#OmniFunc
call cursor(str2nr($LINE), 1)
execute "normal! A" . $TYPED . "\<C-x>\<C-o>"
write
qall!
